// SPDX-License-Identifier: GPL-2.0-or-later
"use strict";
// Shows a node while it works: asks its netpold for /state.json each second,
// and for /pods.json when policies or pods have changed. All text goes through
// textContent: names may be hostile. What is kept is two minutes of sums.
(() => {
  const EVERY_MS = 1000, SLOW_MS = 5000, PATIENCE_MS = 4000;
  const KEPT = 120, SMOOTH_S = 10, FRESH_MS = 3000, MAX_PODS = 200, MAX_POLICIES = 10, MAX_FLOWS = 60;
  const $ = (id) => document.getElementById(id);
  const view = { token: sessionStorage.getItem("token") || "", samples: [], series: new Map(),
                 state: null, pods: null, open: new Set(), drawn: new Map(), answered: 0,
                 flows: "denied" };

  // ---- words ------------------------------------------------------------------

  function make(name, text, kind) {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  }
  const pill = (text, kind) => make("span", text, `pill ${kind || ""}`);
  const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
  const clock = (time) => new Date(time).toLocaleTimeString("en-GB");

  function rateText(perSecond) {
    if (perSecond === null) return "–";
    if (perSecond >= 1000) return `${(perSecond / 1000).toFixed(perSecond < 10000 ? 1 : 0)} k`;
    return perSecond >= 10 || perSecond === 0 ? perSecond.toFixed(0) : perSecond.toFixed(1);
  }
  function durationText(seconds) {
    if (seconds === null) return "–";
    if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(0)} µs`;
    return seconds < 1 ? `${(seconds * 1e3).toFixed(1)} ms` : `${seconds.toFixed(1)} s`;
  }

  // Redraws a part only where it would look otherwise, so that a selection, or
  // what is being read out, stays as it is.
  function draw(id, what, make_) {
    const key = JSON.stringify(what);
    if (view.drawn.get(id) === key) return;
    view.drawn.set(id, key);
    $(id).replaceChildren(...make_());
  }
  function rows(id, items, cells) {
    const key = JSON.stringify(items);
    if (view.drawn.get(id) === key) return;
    view.drawn.set(id, key);
    $(id).tBodies[0].replaceChildren(...items.map((item) => {
      const row = make("tr", undefined, item.fresh ? "fresh" : "");
      row.append(...cells(item));
      return row;
    }));
  }

  // ---- numbers ----------------------------------------------------------------

  const values = (state, name) => (state.metrics.find((metric) => metric.name === name) || { values: [] }).values;
  function sum(state, name, label, wanted) {
    return values(state, name).reduce((total, { labels, value }) =>
      total + (label === undefined || (labels || {})[label] === wanted ? value : 0), 0);
  }
  // Of all workers together; each count is of all that took no longer.
  function buckets(state) {
    const total = new Map();
    for (const histogram of values(state, "netpold_verdict_seconds")) {
      for (const { le, count: n } of histogram.buckets) total.set(le, (total.get(le) || 0) + n);
      total.set(Infinity, (total.get(Infinity) || 0) + histogram.count);
    }
    return [...total].sort((a, b) => a[0] - b[0]);
  }
  function sample(state) {
    return {
      at: state.now_ms,
      started: state.status.started_at,
      judged: sum(state, "netpold_packets_total"),
      allowed: sum(state, "netpold_packets_allowed_total") + sum(state, "netpold_packets_passed_total"),
      denied: sum(state, "netpold_packets_denied_total"),
      kernelAllowed: sum(state, "netpold_kernel_cache_hits_total", "verdict", "allow"),
      kernelDenied: sum(state, "netpold_kernel_cache_hits_total", "verdict", "deny"),
      unjudged: sum(state, "netpold_unjudged_packets_total"),
      workers: Object.fromEntries(values(state, "netpold_packets_total")
        .map(({ labels, value }) => [labels.worker, value])),
      policies: byPolicy(state),
      buckets: buckets(state),
    };
  }
  function keep(state) {
    const next = sample(state), last = view.samples.at(-1);
    if (last && (last.started !== next.started || last.at > next.at)) {
      view.samples = []; // another netpold, whose counts begin anew
      view.series.clear();
      view.pods = null; // so does the number by which it tells whether they are old
    }
    if (!last || next.at > last.at) view.samples.push(next);
    if (view.samples.length > KEPT + 1) view.samples.shift();
  }
  // The sample of so many seconds ago, or the oldest.
  function before(seconds) {
    const now = view.samples.at(-1).at;
    return view.samples.findLast((old) => old.at <= now - seconds * 1000 + 200) || view.samples[0];
  }
  // By second; null: not known yet.
  function rate(seconds, get) {
    const now = view.samples.at(-1), old = before(seconds);
    if (old === now) return null;
    return Math.max(0, (get(now) - get(old)) * 1000 / (now.at - old.at));
  }
  // How long so large a part of the verdicts of late took at most.
  function quantile(part) {
    const now = view.samples.at(-1).buckets, old = new Map(before(SMOOTH_S).buckets);
    const counts = now.map(([le, n]) => [le, n - (old.get(le) || 0)]);
    const all = counts.length ? counts.at(-1)[1] : 0;
    if (all <= 0) return null;
    let least = 0, below = 0;
    for (const [le, n] of counts) {
      if (n >= part * all) return le === Infinity ? least : least + (le - least) * (part * all - below) / (n - below);
      [least, below] = [le, n];
    }
    return least;
  }
  function byPolicy(state) {
    const found = {};
    for (const { labels, value } of values(state, "netpold_policy_verdicts_total")) {
      const name = labels.namespace ? `${labels.namespace}/${labels.policy}` : labels.policy;
      const of = found[name] ||= { name, allowed: 0, denied: 0, audit: false };
      of[labels.verdict === "allow" ? "allowed" : "denied"] += value;
      of.audit ||= labels.mode === "audit";
    }
    return found;
  }

  // ---- what is drawn ------------------------------------------------------------

  const counted = (seconds, get) => ({
    get: () => rate(seconds, get), toText: rateText,
    toMore: () => `${get(view.samples.at(-1)).toLocaleString("en")} in all`,
  });
  const timed = (part) => ({
    get: () => quantile(part), toText: durationText, toMore: () => `of the last ${SMOOTH_S} s`,
  });
  const TILES = [
    ["judged", "", "packets judged/s", counted(2, (s) => s.judged)],
    ["allowed", "allow", "packets allowed/s", counted(2, (s) => s.allowed)],
    ["denied", "deny", "packets denied/s", counted(2, (s) => s.denied)],
    ["kernel-allowed", "allow", "allowed by the kernel/s", counted(SMOOTH_S, (s) => s.kernelAllowed)],
    ["kernel-denied", "deny", "denied by the kernel/s", counted(SMOOTH_S, (s) => s.kernelDenied)],
    ["half", "", "verdict, median", timed(0.5)],
    ["most", "", "verdict, 99 of 100", timed(0.99)],
  ];
  const SVG = "http://www.w3.org/2000/svg";
  for (const [id, kind, words] of TILES) {
    const tile = make("div", undefined, `tile ${kind}`), line = document.createElementNS(SVG, "svg");
    tile.id = `tile-${id}`;
    line.setAttribute("viewBox", `0 0 ${KEPT} 28`);
    line.setAttribute("preserveAspectRatio", "none");
    line.setAttribute("aria-hidden", "true");
    line.append(document.createElementNS(SVG, "path"));
    tile.append(make("b", "–"), make("span", words), line, make("span", "", "more"));
    $("tiles").append(tile);
  }
  function drawTiles() {
    for (const [id, , , { get, toText, toMore }] of TILES) {
      const value = get(), tile = $(`tile-${id}`), points = view.series.get(id) || [];
      points.push(value || 0);
      if (points.length > KEPT) points.shift();
      view.series.set(id, points);
      const most = Math.max(...points) || 1, left = KEPT - points.length;
      tile.querySelector("b").textContent = toText(value);
      tile.querySelector(".more").textContent = toMore();
      tile.querySelector("path").setAttribute("d", points.map((point, i) =>
        `${i ? "L" : "M"}${left + i} ${(26 - 24 * point / most).toFixed(1)}`).join(""));
    }
  }

  function drawHead({ status }) {
    document.title = `netpold on ${status.node}`;
    $("node").textContent = status.node;
    $("about").textContent = [`version ${status.netpold}`,
      `since ${new Date(status.started_at).toLocaleString("en-GB")}`,
      status.source.kind === "manifests" ? `objects from ${status.source.paths.join(", ")}`
        : `objects from ${status.source.server}`].join(" · ");
    const states = [status.mode === "audit" ? ["audit: nothing is dropped", "warn"] : ["enforcing", "good"],
                    status.ready_since ? ["ready", "good"] : ["not ready", "bad"]];
    if (status.paused) states.push(["paused", "bad"]);
    draw("states", states, () => states.map((state) => {
      const item = make("li");
      item.append(pill(...state));
      return item;
    }));
  }
  function drawAlerts({ status }) {
    const alerts = [];
    if (status.unready) alerts.push(["Not ready", status.unready.replace(/^not ready: /, "")]);
    if (status.paused) {
      alerts.push([`Paused until ${clock(status.paused.until)}`, status.paused.reason || "nothing is enforced"]);
    }
    if (status.warm) alerts.push(["The last run's objects stand in", `read last at ${clock(status.warm.written_at)}`]);
    for (const [key, words] of [["refused", "A change was refused"], ["unsettled", "Open connections are not judged"],
                                ["stalled", "A worker stands still"]]) {
      if (status[key]) alerts.push([`${words}, since ${clock(status[key].since)}`, status[key].reason]);
    }
    for (const resource of status.source.resources || []) {
      if (resource.trouble) alerts.push([`${resource.name} cannot be read`, resource.trouble]);
    }
    const unjudged = view.samples.at(-1).unjudged - before(KEPT).unjudged;
    if (unjudged > 0 && status.mode !== "audit") {
      alerts.push([count(unjudged, "packet was", "packets were") + " not judged in the last two minutes",
                   "a queue was full, or no netpold was there"]);
    }
    draw("alerts", alerts, () => alerts.map(([what, why]) => {
      const item = make("li");
      item.append(make("b", `${what}: `), document.createTextNode(why));
      return item;
    }));
  }

  const sought = () => $("find").value.trim().toLowerCase();
  const isSought = (...words) => words.join("\n").toLowerCase().includes(sought());

  // What becomes of a row, as `netpold top` has it: under an audit nothing is denied.
  function fateOf(row) {
    const is = row.verdict === "deny";
    if (is ? row.mode === "audit" : row.would === "deny") return "would be denied";
    return is ? "denied" : "allowed";
  }
  const FATES = { denied: "bad", "would be denied": "warn", allowed: "good" };
  const VIEWS = ["denied", "would be denied", "all"];
  const isIn = (words) => ({ fate }) => words === "all" || fate === words;
  for (const words of VIEWS) {
    const button = make("button", words);
    button.type = "button";
    button.append(" ", make("span", "0", "soft"));
    button.addEventListener("click", () => {
      view.flows = words;
      if (view.state) drawFlows(view.state);
    });
    $("views").append(button);
  }
  // Rows stand where they are as long as they are busy; of those, what is new comes first.
  function flowsOf(state) {
    return state.flows.rows.map((row) => ({
      id: row.id, fate: fateOf(row), from: row.from, to: row.to, count: row.count,
      port: row.port === undefined ? row.protocol : `${row.port}/${row.protocol}`,
      why: (fateOf(row) === "would be denied" && row.would_because) || row.why,
      rate: rateText(row.per_second), last: clock(row.last), age: state.now_ms - Date.parse(row.last),
    })).sort((a, b) => Math.floor(a.age / FRESH_MS) - Math.floor(b.age / FRESH_MS) || b.id - a.id);
  }
  // Its unit is only shown where the table has no head.
  function countCell(n) {
    const cell = make("td", n.toLocaleString("en"), "n");
    cell.dataset.unit = n === 1 ? " packet" : " packets";
    return cell;
  }
  function flowCells(row) {
    const end = ({ name, kind }) => {
      const cell = make("td", name, "end");
      if (kind) cell.append(" ", make("span", kind, "soft"));
      return cell;
    };
    const fate = make("td");
    fate.append(pill(row.fate, FATES[row.fate]));
    return [make("td", row.last, "time"), countCell(row.count), make("td", row.rate, "n"),
            end(row.from), end(row.to), make("td", row.port, "time"), fate, make("td", row.why, "why")];
  }
  function aboutFlows({ flows, now_ms: now }, found, shown) {
    const since = clock(now - flows.seconds * 1000), unseen = flows.unnamed + flows.lost;
    return [found > shown ? `and ${found - shown} more` : found ? ""
            : sought() ? "none that matches" : `none since ${since}, when somebody began to look`,
            unseen ? count(unseen, "packet is", "packets are") + " in no row: there were too many" : "",
            flows.rows_gone ? count(flows.rows_gone, "row has", "rows have") + " made room" : ""]
      .filter((words) => words).join("; ");
  }
  function drawFlows(state) {
    const all = flowsOf(state);
    [...$("views").children].forEach((button, i) => {
      button.setAttribute("aria-pressed", VIEWS[i] === view.flows);
      button.lastChild.textContent = all.filter(isIn(VIEWS[i])).length;
    });
    const found = all.filter(isIn(view.flows))
      .filter((row) => isSought(row.from.name, row.to.name, row.port, row.why));
    const shown = found.slice(0, MAX_FLOWS)
      .map(({ age, ...row }) => ({ ...row, fresh: age < FRESH_MS }));
    rows("flows", shown, flowCells);
    $("about-flows").textContent = aboutFlows(state, found.length, shown.length);
  }
  function drawDenied(state) {
    const denied = state.denied.map(({ packets, flow, why }) => ({ packets, flow, why }));
    rows("denied", denied, ({ packets, flow, why }) =>
      [countCell(packets), make("td", flow), make("td", why)]);
    $("no-denied").textContent = denied.length ? "" : "nothing is denied again and again";
  }

  function drawQueues(state) {
    const of = (name, label, wanted) => sum(state, name, label, wanted);
    const queues = Object.keys(view.samples.at(-1).workers).map((worker) => {
      const queue = String(state.status.queues.first + Number(worker));
      return {
        worker, queue,
        waiting: of("netpold_queue_waiting_packets", "queue", queue),
        capacity: of("netpold_queue_capacity_packets", "queue", queue),
        lost: of("netpold_queue_dropped_packets_total", "queue", queue) +
          of("netpold_queue_user_dropped_packets_total", "queue", queue) +
          of("netpold_queue_overruns_total", "worker", worker) + of("netpold_copies_lost_total", "worker", worker),
        stalled: of("netpold_worker_stalled", "worker", worker) > 0,
        rate: rateText(rate(2, (s) => s.workers[worker] || 0)),
      };
    });
    rows("queues", queues, (q) => {
      const waiting = make("td"), worker = make("td");
      if (q.capacity > 0) {
        const meter = make("meter");
        Object.assign(meter, { min: 0, max: q.capacity, low: q.capacity / 2, high: q.capacity * 0.9, optimum: 0,
                               value: q.waiting });
        waiting.append(meter);
      }
      waiting.append(q.capacity > 0 ? `${q.waiting} of ${q.capacity}` : "none: copies only");
      worker.append(q.stalled ? pill("stands still", "bad") : pill("moves", "good"));
      return [make("td", q.queue, "n"), waiting, make("td", q.rate, "n"),
              make("td", q.lost.toLocaleString("en"), "n"), worker];
    });
  }

  function drawPolicies() {
    const now = view.samples.at(-1).policies;
    $("by-policy").hidden = !values(view.state, "netpold_policy_verdicts_total").length;
    const all = Object.values(now).sort((a, b) => b.denied - a.denied || b.allowed - a.allowed);
    const told = all.slice(0, MAX_POLICIES).map((policy) => ({ ...policy,
      rate: rateText(rate(SMOOTH_S, (s) => (s.policies[policy.name] || { denied: 0 }).denied)) }));
    rows("policies", told, (policy) => {
      const name = make("td", policy.name === "_other/_other" ? "all others" : policy.name);
      if (policy.audit) name.append(" ", pill("audit", "warn"));
      return [name, make("td", policy.allowed.toLocaleString("en"), "n"),
              make("td", policy.denied.toLocaleString("en"), "n"), make("td", policy.rate, "n")];
    });
    $("no-policies").textContent = all.length > told.length ? `and ${all.length - told.length} more`
      : all.length ? "" : "no policy has given a verdict yet";
  }

  function drawFacts({ status, ...state }) {
    const change = status.last_change || {};
    const took = (from, to) => durationText((Date.parse(to) - Date.parse(from)) / 1000);
    const facts = [
      ["policies", status.policies.toLocaleString("en") +
        (status.staged_policies ? `, and ${status.staged_policies} staged` : "")],
      ["pods", `${status.pods.toLocaleString("en")}, ${status.local_pods} here`],
      ["isolated addresses", `${status.isolated.ingress} for ingress, ${status.isolated.egress} for egress`],
      ["generation", status.in_force_since ? `${status.generation}, since ${clock(status.in_force_since)}`
        : "none is in force"],
      ["last change took", change.in_force_at ? took(change.received_at, change.in_force_at) : "it is not in force yet"],
      ["connections cut", status.revoked.toLocaleString("en")],
      ["picked up", status.picked_up.toLocaleString("en")],
    ];
    // Of an audit copies alone are judged, and nobody waits for a verdict.
    const [missed, name] = status.mode === "audit" ? ["copies lost", "netpold_copies_lost_total"]
      : ["packets not judged", "netpold_unjudged_packets_total"];
    facts.push([missed, sum(state, name).toLocaleString("en")]);
    if (status.flow_log) {
      facts.push(["flow log", `${count(status.flow_log.logged, "record", "records")}, ${status.flow_log.lost} lost`]);
    }
    draw("facts", facts, () => facts.flatMap(([what, value]) => [make("dt", what), make("dd", value)]));
  }

  // ---- pods -----------------------------------------------------------------------

  function sideWords(side, dir) {
    const staged = side.policies.some((policy) => policy.staged);
    const words = dir === "ingress" ? "in" : "out";
    if (!side.isolated) return pill(`${words}: ${staged ? "everything; staged" : "everything"}`, "warn");
    return pill(`${words}: ${side.n_rules ? count(side.n_rules, "rule", "rules") : "nothing"}`, "good");
  }
  function sideList(side, dir) {
    const rules = make("ul"), by = side.policies.map((policy) => policy.name + (policy.staged ? " (staged)" : ""));
    const more = side.n_policies - by.length;
    const words = dir === "ingress" ? "Who may reach it" : "Whom it may reach";
    if (!side.isolated) rules.append(make("li", "everything: no policy that is enforced isolates it"));
    else if (!side.n_rules) rules.append(make("li", "nothing: no rule allows anything"));
    for (const rule of side.rules) {
      const item = make("li", `${rule.words} `);
      item.append(make("span", `(${rule.policy} rule ${rule.rule})`, "soft"));
      if (rule.staged) item.prepend(pill("staged", "warn"), " ");
      rules.append(item);
    }
    const local = side.local;
    if (local && local.of > 0) {
      const more_ = local.n - local.names.length;
      const names = local.names.join(", ") + (more_ > 0 ? ` and ${more_} more` : "");
      const n = (local.is_cut ? "at least " : "") + local.n;
      rules.append(make("li", "of this node: " + (local.n === local.of ? `all ${local.of}`
        : local.n ? `${n} of ${local.of}: ${names}` : "none"), "local"));
    }
    if (side.n_rules > side.rules.length) rules.append(make("li", `and ${side.n_rules - side.rules.length} more`));
    const isolating = by.length ? ` · isolated by ${by.join(", ")}${more > 0 ? ` and ${more} more` : ""}` : "";
    return [make("h3", words + isolating), rules];
  }
  function drawPod(pod) {
    const element = make("details"), head = make("summary"), name = `${pod.namespace}/${pod.name}`;
    head.append(make("b", name), sideWords(pod.ingress, "ingress"), sideWords(pod.egress, "egress"),
                make("span", pod.addresses.join(", "), "soft"));
    element.append(head, ...sideList(pod.ingress, "ingress"), ...sideList(pod.egress, "egress"));
    element.open = view.open.has(name);
    element.addEventListener("toggle", () => element.open ? view.open.add(name) : view.open.delete(name));
    return element;
  }
  const podWords = (pod) => [`${pod.namespace}/${pod.name}`, ...pod.addresses,
    ...[pod.ingress, pod.egress].flatMap((side) => side.policies.map((policy) => policy.name))];
  function drawPods() {
    if (!view.pods) return;
    const { pods, n_pods: all } = view.pods;
    const found = pods.filter((pod) => isSought(...podWords(pod)))
      .sort((a, b) => `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1);
    $("n-pods").textContent = count(all, "pod", "pods") + (sought() ? `, of which ${found.length} match` : "") +
      (found.length > MAX_PODS ? `; the first ${MAX_PODS} are shown` : "") +
      ". A pod always reaches itself, and the node its own pods.";
    draw("pods", found.slice(0, MAX_PODS), () => found.slice(0, MAX_PODS).map(drawPod));
  }

  // ---- asking ---------------------------------------------------------------------

  async function ask(path) {
    const answer = await fetch(path, {
      headers: view.token ? { Authorization: `Bearer ${view.token}` } : {},
      cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error(`${answer.status}: ${(await answer.text()).trim()}`);
    return answer.json();
  }
  function askForToken() {
    $("wrong").textContent = view.token ? "that is another one" : "";
    view.token = "";
    sessionStorage.removeItem("token");
    $("ask").hidden = false;
    $("main").hidden = true;
    $("pulse").textContent = "waiting for the token";
    $("token").focus();
  }
  function show(state) {
    view.state = state;
    keep(state);
    drawHead(state);
    drawAlerts(state);
    drawTiles();
    drawFlows(state);
    drawDenied(state);
    drawQueues(state);
    drawPolicies();
    drawFacts(state);
    $("ask").hidden = true;
    $("main").hidden = false;
  }
  function tellPulse(why) {
    $("pulse").className = why ? "lost" : "";
    $("main").className = why ? "old" : "";
    $("pulse").textContent = why ? `no answer${view.answered ? ` since ${clock(view.answered)}` : ""} (${why})`
      : `live, ${clock(view.answered)}`;
  }
  // Who looks at another page asks for nothing. False: wait for somebody.
  async function turn() {
    const state = await ask("state.json");
    if (!state) {
      askForToken();
      return false;
    }
    show(state);
    if (!view.pods || view.pods.generation !== state.pods) {
      view.pods = await ask("pods.json") || view.pods;
      drawPods();
    }
    view.answered = Date.now();
    return true;
  }
  let timer = 0, isAsking = false;
  async function run() {
    clearTimeout(timer);
    if (isAsking || document.hidden) return;
    isAsking = true;
    let wait = EVERY_MS, goesOn = true;
    try {
      goesOn = await turn();
      if (goesOn) tellPulse("");
    } catch (error) {
      tellPulse(error.message);
      wait = view.answered && Date.now() - view.answered < 60000 ? EVERY_MS : SLOW_MS;
    }
    isAsking = false;
    if (goesOn) timer = setTimeout(run, wait);
  }
  document.addEventListener("visibilitychange", run);
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    view.token = $("token").value.trim();
    $("token").value = "";
    if (!view.token) return;
    sessionStorage.setItem("token", view.token);
    run();
  });
  $("find").addEventListener("input", () => {
    if (view.state) drawFlows(view.state);
    drawPods();
  });
  run();
})();
