// SPDX-License-Identifier: GPL-2.0-or-later
"use strict";
// Draws the table that `netpold matrix --output html` has written into this
// page. All text from the data goes through textContent: names may be hostile.
// Only what can be seen is drawn, so that a thousand rows are as quick as ten.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const units = data.units;
  const EGRESS = 0, INGRESS = 1, NO_FLOW = 1;
  const OTHER = 0x30003, FRAGMENTS = 0x30000;
  const $ = (id) => document.getElementById(id);

  // ---- what the data say ----------------------------------------------------

  function expand(runs) {
    const row = new Uint32Array(units.length);
    let at = 0;
    for (let i = 0; i < runs.length; i += 2) {
      row.fill(runs[i], at, at + runs[i + 1]);
      at += runs[i + 1];
    }
    return row;
  }
  const columns = data.columns.map(expand);
  const tables = [data.egress.map((runs) => runs && expand(runs)),
                  data.ingress.map((runs) => runs && expand(runs))];
  const sets = new Map(data.sets.map(([number, text, ...ends]) => [number, { text, ends }]));
  sets.set(0, { text: "nothing", ends: [] });

  units.forEach((unit, i) => {
    unit.number = i;
    unit.outside = unit.ranges.length > 0;
    unit.open = !unit.outside && unit.n_isolated.ingress === 0;
    unit.half = !unit.outside && !unit.open && unit.n_isolated.ingress < unit.pods;
    unit.search = [unit.title,
                   ...unit.groups.map((g) => `${g.namespace}/${g.name} ${g.kind}`),
                   ...unit.ranges.map((r) => `${r.first} ${r.last}`)].join("\n").toLowerCase();
  });

  const cellAt = (from, to) => columns[to][from];
  const isGone = (cell) => cell === NO_FLOW;
  const setsOf = (cell) => data.cells[cell].map((number) => sets.get(number));
  const isEverything = (set) => set.ends[0] === 0 && set.ends[1] === OTHER;

  // What is drawn of a cell: the same for all cells of a kind, so worked out once.
  const looks = data.cells.map((pair, cell) => {
    if (isGone(cell)) return { kind: "gone", text: "", words: "no flow to judge" };
    const [all, some] = setsOf(cell);
    if (isEverything(all)) return { kind: "all", text: "all", words: all.text };
    const kind = all.ends.length ? "ports" : some.ends.length ? "part" : "none";
    const words = all.text + (some.ends.length ? `; between some of them ${some.text}` : "");
    return { kind, words, partly: some.ends.length > 0 && kind === "ports",
             text: shorten(all.ends.length ? all : some) };
  });

  function shorten(set) {
    if (set.ends.length === 0) return "";
    if (isEverything(set)) return "some";
    const ports = set.text.split(", ");
    const first = ports[0].replace(/\/TCP$/, "");
    return ports.length > 1 && first.length < 6 ? `${first} +${ports.length - 1}`
      : first.length > 9 ? `${first.replace(/-.*|\/.*/, "")}…` : first;
  }

  // ---- searching --------------------------------------------------------------

  // "5432", "53/udp", "ping": a slot; undefined: any; null: not understood.
  function parsePort(text) {
    text = text.trim().toLowerCase();
    if (!text) return undefined;
    if (/^(ping|icmp|other)/.test(text)) return OTHER;
    const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text);
    if (!match || match[1] > 65535) return null;
    return ["tcp", "udp", "sctp"].indexOf(match[2] || "tcp") * 0x10000 + Number(match[1]);
  }
  function hasSlot(cell, slot) {
    return !isGone(cell) && setsOf(cell).some(({ ends }) => {
      for (let i = 0; i < ends.length; i += 2) {
        if (ends[i] <= slot && slot <= ends[i + 1]) return true;
      }
      return false;
    });
  }

  const weights = { reached: new Float64Array(units.length), reaching: new Float64Array(units.length) };
  columns.forEach((column, to) => column.forEach((cell, from) => {
    if (isGone(cell) || looks[cell].kind === "none") return;
    const weight = looks[cell].kind === "all" ? 1000 : 1;
    weights.reached[to] += weight;
    weights.reaching[from] += weight;
  }));
  const orders = {
    name: () => 0,
    reached: (a, b) => weights.reached[b.number] - weights.reached[a.number],
    reaching: (a, b) => weights.reaching[b.number] - weights.reaching[a.number],
    open: (a, b) => (b.open - a.open) || (b.half - a.half),
  };

  const view = { rows: [], cols: [], slot: undefined, chosen: null };

  function search() {
    const pick = (text) => units.filter((unit) => unit.search.includes(text.trim().toLowerCase()));
    const slot = parsePort($("port").value);
    const order = orders[$("order").value];
    view.slot = slot === null ? undefined : slot;
    view.rows = pick($("from").value).sort(order);
    view.cols = pick($("to").value).sort(order);
    $("problem").textContent = slot === null ? "a port is 5432, 53/udp or ping"
      : view.rows.length === 0 ? `no sender matches ${$("from").value.trim()}`
        : view.cols.length === 0 ? `no receiver matches ${$("to").value.trim()}` : "";
    measure();
    draw();
  }

  // ---- the table --------------------------------------------------------------

  const size = { side: 0, head: 0, width: 0, height: 26 };

  function measure() {
    const frame = $("frame");
    const longest = Math.max(8, ...units.map((unit) => Math.min(unit.title.length, 44)));
    size.side = Math.min(24 + longest * 7.2, frame.clientWidth * 0.34, 320);
    size.head = Math.min(40 + longest * 6.2, 240, frame.clientHeight * 0.4);
    const room = (frame.clientWidth - size.side - 60) / Math.max(1, view.cols.length);
    size.width = Math.max(22, Math.min(78, Math.floor(room)));
    size.height = view.rows.length > 60 ? 22 : 27;
    const sheet = $("sheet").style;
    const tail = Math.min(140, size.head * 0.6); // what leans over the last column
    sheet.width = `${size.side + view.cols.length * size.width + tail}px`;
    sheet.height = `${size.head + view.rows.length * size.height}px`;
    place($("corner"), 0, 0, size.side, size.head);
    $("corner").style.position = "sticky";
    $("heads").style.cssText = `width:${view.cols.length * size.width + tail}px;height:${size.head}px;` +
      `margin-left:${size.side}px;margin-top:-${size.head}px`;
    $("sides").style.cssText = `width:${size.side}px;height:${view.rows.length * size.height}px`;
  }

  function place(element, left, top, width, height) {
    element.style.cssText = `left:${left}px;top:${top}px;width:${width}px;height:${height}px`;
  }

  function make(kind, className, text) {
    const element = document.createElement(kind);
    element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function label(unit, className) {
    const element = make("div", className);
    element.append(make("span", "", unit.title));
    element.title = unit.title;
    element.dataset.unit = unit.number;
    element.classList.toggle("outside", unit.outside);
    return element;
  }

  function visible(count, step, from, length) {
    const first = Math.max(0, Math.floor(from / step) - 2);
    return [first, Math.min(count, Math.ceil((from + length) / step) + 2)];
  }

  function drawCell(row, col, r, c) {
    const cell = cellAt(row.number, col.number);
    const look = looks[cell];
    const element = make("div", `cell ${look.kind}`, look.text);
    place(element, size.side + c * size.width, size.head + r * size.height, size.width, size.height);
    element.dataset.from = row.number;
    element.dataset.to = col.number;
    element.setAttribute("role", "gridcell");
    element.title = `${row.title} → ${col.title}: ${look.words}`;
    if (look.partly) element.classList.add("partly");
    if (size.width < 44) element.classList.add("small");
    if (r % 2 && look.kind === "none") element.classList.add("band");
    if (view.slot !== undefined && !hasSlot(cell, view.slot)) element.classList.add("dim");
    if (view.chosen && view.chosen.from === row.number && view.chosen.to === col.number) {
      element.classList.add("chosen");
    }
    return element;
  }

  function draw() {
    const frame = $("frame");
    const [r0, r1] = visible(view.rows.length, size.height, frame.scrollTop, frame.clientHeight - size.head);
    const [c0, c1] = visible(view.cols.length, size.width, frame.scrollLeft, frame.clientWidth - size.side);
    const heads = [], sides = [], cells = [];
    for (let c = c0; c < c1; c++) {
      const head = label(view.cols[c], "head");
      place(head, c * size.width, 0, size.width, size.head);
      head.classList.toggle("open", view.cols[c].open);
      head.classList.toggle("half", view.cols[c].half);
      head.classList.toggle("on", Boolean(view.chosen && view.chosen.to === view.cols[c].number));
      head.firstChild.style.maxWidth = `${size.head * 1.08}px`;
      heads.push(head);
    }
    for (let r = r0; r < r1; r++) {
      const side = label(view.rows[r], "side");
      place(side, 0, r * size.height, size.side, size.height);
      side.classList.toggle("band", r % 2 === 1);
      side.classList.toggle("on", Boolean(view.chosen && view.chosen.from === view.rows[r].number));
      sides.push(side);
      for (let c = c0; c < c1; c++) cells.push(drawCell(view.rows[r], view.cols[c], r, c));
    }
    $("heads").replaceChildren(...heads);
    $("sides").replaceChildren(...sides);
    $("cells").replaceChildren(...cells);
  }

  // ---- the reason ---------------------------------------------------------------

  const panel = $("panel");
  const paragraph = (text, className = "") => panel.append(make("p", className, text));
  function list(items) {
    const element = make("ul", "");
    for (const item of items) element.append(make("li", "", item));
    panel.append(element);
  }
  const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
  const name = (policy) => data.policies[policy];

  function tellSide(unit, other, direction) {
    const word = direction === EGRESS ? "egress" : "ingress";
    panel.append(make("h3", "", `${word} of ${unit.title}`));
    if (unit.outside) return paragraph("Outside there are no policies.", "soft");
    const isolating = unit.isolated[word], isolated = unit.n_isolated[word];
    if (isolated === 0) return paragraph(`No policy isolates it for ${word}: everything passes.`);
    const some = isolated < unit.pods;
    const rules = data.lists[tables[direction][unit.tables[direction]][other.number]];
    const more = rules[rules.length - 1];
    paragraph(`${some ? `${isolated} of its ${unit.pods} pods isolated` : "Isolated"} by ` +
      isolating.slice(0, 6).map(name).join(", ") +
      (isolating.length > 6 ? ` and ${isolating.length - 6} more` : "") +
      (some ? "; of the others everything passes." : "."));
    if (rules.length === 1) {
      return paragraph(`No rule names ${other.title}: nothing passes${some ? " of the isolated ones" : ""}.`);
    }
    paragraph(direction === EGRESS ? "Rules that lead there:" : "Rules that let it in:");
    list(rules.slice(0, -1).map((rule) => {
      const [policy, number, words] = data.rules[rule];
      return `${name(policy)} rule ${number}: ${words}`;
    }));
    if (more) paragraph(`and ${count(more, "rule", "rules")} more`, "soft");
  }

  function verdict(look, text) {
    panel.append(make("span", `verdict ${look.kind}`, text));
  }

  function tellCell(from, to) {
    const cell = cellAt(from.number, to.number);
    panel.replaceChildren();
    const title = make("h2", "", from.title);
    title.append(make("span", "arrow", " → "), to.title);
    panel.append(title);
    if (isGone(cell)) {
      if (!from.inside && !to.inside) {
        return paragraph(`Not asked: neither is of ${data.only.join(", ")}.`, "soft");
      }
      return paragraph(from === to && !from.outside
        ? "A single pod: it always reaches itself, whatever policies say."
        : "No flow between these is for a policy to judge.", "soft");
    }
    const [all, some] = setsOf(cell);
    verdict(looks[cell], all.ends.length || !some.ends.length ? all.text : `some only: ${some.text}`);
    if (all.ends.length && some.ends.length) paragraph(`Between some of them also: ${some.text}.`);
    tellSide(from, to, EGRESS);
    tellSide(to, from, INGRESS);
  }

  function tellUnit(unit) {
    panel.replaceChildren(make("h2", "", unit.title));
    if (unit.outside) {
      list(unit.ranges.slice(0, 40).map((r) => r.first === r.last ? r.first : `${r.first} – ${r.last}`));
    } else {
      paragraph(count(unit.pods, "pod", "pods"), "soft");
      list(unit.groups.slice(0, 60).map((g) =>
        `${g.namespace}/${g.name || "*"} — ${g.kind}, ${count(g.pods, "pod", "pods")}`));
      if (unit.groups.length > 60) paragraph(`and ${unit.groups.length - 60} more`, "soft");
      for (const word of ["ingress", "egress"]) {
        const isolating = unit.isolated[word], isolated = unit.n_isolated[word];
        panel.append(make("h3", "", `isolated for ${word}`));
        if (isolated && isolated < unit.pods) paragraph(`${isolated} of its ${unit.pods} pods, by`);
        paragraph(isolating.length ? isolating.slice(0, 12).map(name).join(", ") +
          (isolating.length > 12 ? ` and ${isolating.length - 12} more` : "")
          : `by no policy: ${word === "ingress" ? "anybody may come, on any port" : "it may go anywhere"}`);
      }
    }
    tellPeers("may reach it", (other) => cellAt(other.number, unit.number));
    tellPeers("it may reach", (other) => cellAt(unit.number, other.number));
  }

  function tellPeers(heading, cellOf) {
    const by = new Map();
    const add = (text, other) => by.set(text, [...(by.get(text) || []), other.title]);
    for (const other of units) {
      const cell = cellOf(other);
      if (isGone(cell) || looks[cell].kind === "none") continue;
      const [all, some] = setsOf(cell);
      if (all.ends.length) add(all.text, other);
      if (some.ends.length) add(`${some.text}, between some of them only`, other);
    }
    panel.append(make("h3", "", heading));
    if (by.size === 0) paragraph("nobody", "soft");
    list([...by].map(([text, titles]) =>
      `${text}: ${titles.slice(0, 20).join(", ")}${titles.length > 20 ? ` and ${titles.length - 20} more` : ""}`));
  }

  function choose(from, to) {
    view.chosen = { from, to };
    tellCell(units[from], units[to]);
    draw();
  }

  // ---- events -------------------------------------------------------------------

  $("frame").addEventListener("click", (event) => {
    const target = event.target.closest(".cell, .side, .head");
    if (!target) return;
    if (target.classList.contains("cell")) choose(Number(target.dataset.from), Number(target.dataset.to));
    else tellUnit(units[Number(target.dataset.unit)]);
  });

  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Enter: [0, 0] };
  $("frame").addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (!move || !view.rows.length || !view.cols.length) return;
    event.preventDefault();
    const at = view.chosen || { from: view.rows[0].number, to: view.cols[0].number };
    const clamp = (i, n) => Math.max(0, Math.min(n - 1, i));
    const r = clamp(view.rows.findIndex((unit) => unit.number === at.from) + move[0], view.rows.length);
    const c = clamp(view.cols.findIndex((unit) => unit.number === at.to) + move[1], view.cols.length);
    const frame = $("frame");
    const left = c * size.width, top = r * size.height;
    const width = frame.clientWidth - size.side - size.width, height = frame.clientHeight - size.head - size.height;
    frame.scrollLeft = Math.max(left - width, Math.min(left, frame.scrollLeft));
    frame.scrollTop = Math.max(top - height, Math.min(top, frame.scrollTop));
    choose(view.rows[r].number, view.cols[c].number);
  });

  let waiting = false;
  $("frame").addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  });
  addEventListener("resize", () => { measure(); draw(); });
  for (const id of ["from", "to", "port"]) $(id).addEventListener("input", search);
  $("order").addEventListener("input", search);

  const c = data.counts;
  $("counts").textContent = [count(c.pods, "pod", "pods"), count(c.namespaces, "namespace", "namespaces"),
    count(c.policies, "policy", "policies"), count(units.length, "group", "groups"),
    ...(data.only.length ? [`only to and from ${data.only.join(", ")}`] : []),
    ...(c.staged_policies ? [`${count(c.staged_policies, "staged policy", "staged policies")} left out: --staged judges as if they were enforced`] : []),
    ...(c.without_address ? [`${count(c.without_address, "pod", "pods")} without an address left out`] : []),
    ...(c.displaced ? [`${count(c.displaced, "pod", "pods")} whose address is another pod's or the node's left out`] : []),
  ].join(" · ");
  paragraph("Rows are senders, columns are receivers. Click a cell for the policies and rules behind it, " +
    "or a name for all of its connections.", "soft");
  paragraph("A pod always reaches itself, and a node its own pods, whatever is shown.", "soft");
  search();
})();
