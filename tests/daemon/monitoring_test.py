#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics are described, and dashboard and alerts ask for such as there are.

Three lists are held against each other: the sources, manifests/README.md, and what
manifests/grafana-dashboard.json and manifests/prometheus-rules.yaml ask for. That a running netpold
tells what is described is shown in tests/e2e/metrics_test.py. Where promtool is installed it reads
the rules, too; nothing depends on that.

Prints TAP.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]

sys.path[:0] = [str(ROOT / "tests" / "daemon"), str(ROOT / "tests" / "e2e")]
import metrics_catalogue  # noqa: E402
import promql  # noqa: E402
import tap  # noqa: E402

RULES = ROOT / "manifests" / "prometheus-rules.yaml"
DASHBOARD = ROOT / "manifests" / "grafana-dashboard.json"

SMALL = promql.Catalogue({"netpold_a_total": ("counter", ["worker"]),
                          "netpold_b": ("gauge", []),
                          "netpold_c_seconds": ("histogram", ["part"]),
                          "netpold_d_total": ("counter", ["result"])},
                         {"result": ["good", "lost-here", "lost-there"]})

# A query, and the labels of what it gives; or words of what is wrong.
GOOD = (
    ("netpold_b", {"instance", "job"}),
    ("rate(netpold_a_total[5m])", {"instance", "job", "worker"}),
    ('sum by (worker) (rate(netpold_a_total{instance=~"$instance"}[$__rate_interval])) > 0',
     {"worker"}),
    ("sum(increase(netpold_a_total[1h] offset 5m)) / 3 * 2 > 1.5 or netpold_b", set()),
    ("histogram_quantile(0.99, sum by (part, le) (rate(netpold_c_seconds_bucket[5m])))", {"part"}),
    ("rate(netpold_c_seconds_sum[5m]) / rate(netpold_c_seconds_count[5m])",
     {"instance", "job", "part"}),
    ("topk(10, sum by (worker) (rate(netpold_a_total[5m])))", {"worker"}),
    ("netpold_b > 2 * 1024 * 1024", {"instance", "job"}),
    ("absent(netpold_b)", {"instance", "job"}),
    ("1 - (netpold_b == 1)", {"instance", "job"}),
    ("max_over_time(netpold_b[1h]) unless netpold_b", {"instance", "job"}),
    ('rate(netpold_d_total{result="lost-here"}[5m])', {"instance", "job", "result"}),
    ('rate(netpold_d_total{result=~"good|lost-.*"}[5m])', {"instance", "job", "result"}),
)
BAD = (
    ("netpold_e", "nobody exports it"),
    ("netpold_b_sum", "nobody exports it"),
    ("rate(netpold_c_seconds[5m])", "nobody exports it"),
    ('netpold_b{worker="0"}', "has no label worker"),
    ("sum by (worker) (netpold_b)", "none of what is summed"),
    ("netpold_a_total", "counters are for rate()"),
    ("rate(netpold_b[5m])", "rate() is of counters"),
    ("max_over_time(netpold_a_total[5m])", "counters are for rate()"),
    ('rate(netpold_d_total{result="lost"}[5m])', "no result is lost"),
    ('rate(netpold_d_total{result!="lost"}[5m])', "no result is lost"),
    ('rate(netpold_d_total{result=~"lost-.*|bad"}[5m])', "no result is lost-.*|bad"),
    ("rate(netpold_a_total)", "a range where none"),
    ("netpold_b[5m]", "a range where none"),
    ("rate(sum(netpold_a_total))", "of a selector"),
    ("histogram_quantile(0.9, sum(rate(netpold_c_seconds_bucket[5m])))", "by le"),
    ("predict(netpold_b)", "no such function"),
    ("sum(netpold_b", "expected )"),
    ("netpold_b netpold_b", "expected end"),
    ("netpold_b > ", "expected name"),
    ('netpold_b{job="a}', "cannot read"),
    ("sum by () (netpold_b)", "expected name"),
    ("topk(netpold_b)", "1 arguments"),
)


# What alerts must not leave out, to be true.
ASKS = (
    ("NetpoldDenialsSpike", "repeats that the kernel answers",
     ("netpold_kernel_cache_hits_total", {"verdict": ("=", "deny")})),
    ("NetpoldQueueOverrun", "whether what does not fit is only a copy", ("netpold_audit", {})),
    ("NetpoldNodeAbsent", "who was there before", ("netpold_build_info", {})),
)


def problem(text, catalogue):
    try:
        promql.labels_of(text, catalogue)
    except promql.PromqlError as error:
        return str(error)
    return None


def check_reader(tap_):
    for text, labels in GOOD:
        tap_.equal(f"{text}: is read", labels, promql.labels_of(text, SMALL))
    for text, words in BAD:
        tap_.true(f"{text}: found", words in (problem(text, SMALL) or ""), words,
                  problem(text, SMALL))


# ---- the lists --------------------------------------------------------------


def check_described(tap_, rows, twice):
    sources = metrics_catalogue.in_sources()
    tap_.equal("all metrics of the sources are described, and no others", sorted(sources),
               sorted(rows))
    tap_.equal("their descriptions are the helps of the sources", {}, {
        name: (help_, rows[name].help) for name, help_ in sources.items()
        if name in rows and help_ != rows[name].help})
    tap_.equal("none is described twice", [], twice)
    tap_.equal("their types are such", [],
               [name for name, row in rows.items()
                if row.type not in ("counter", "gauge", "histogram")])
    tap_.equal("each has a sentence", [],
               [name for name, row in rows.items() if not re.fullmatch(r"\S.*\.", row.help)])


def literals():
    """All strings of the sources, policies' and the daemon's."""
    return {text for folder in ("daemon", "policy") for file in (ROOT / folder).rglob("*.c")
            for text in re.findall(r'"([^"\\\n]*)"', file.read_text(encoding="utf-8"))}


def check_values(tap_, rows, values):
    """That they are all is shown in tests/e2e/metrics_test.py, and of results here."""
    known = literals()
    tap_.equal("the values that labels are said to have are in the sources", {}, {
        label: missing for label, listed in values.items()
        if (missing := [value for value in listed if value not in known])})
    tap_.equal("there are metrics that have these labels", set(),
               values.keys() - {label for row in rows.values() for label in row.labels})
    counts = (ROOT / "daemon" / "flowlog" / "flow_counts.c").read_text(encoding="utf-8")
    tap_.equal("what becomes of records has these names",
               re.findall(r'\[FLOW_\w+\] = "(.*)"', counts), values["result"])


def check_rules(tap_, catalogue):
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    tap_.equal("rules: they are a PrometheusRule", ("monitoring.coreos.com/v1", "PrometheusRule"),
               (document["apiVersion"], document["kind"]))
    groups = document["spec"]["groups"]
    alerts = [rule for group in groups for rule in group["rules"]]
    names = [rule["alert"] for rule in alerts]
    tap_.equal("rules: no group and no alert is there twice", [],
               [name for name in (*names, *(group["name"] for group in groups))
                if [*names, *(group["name"] for group in groups)].count(name) > 1])
    for rule in alerts:
        name = rule["alert"]
        tap_.equal(f"{name}: its query is in order", None, problem(rule["expr"], catalogue))
        tap_.equal(f"{name}: it has what an alert needs", (True, {"summary", "description"}, True), (
            rule["labels"]["severity"] in ("warning", "critical"), set(rule["annotations"]),
            bool(re.fullmatch(r"\d+[smh]", rule.get("for", "1m")))))
        told = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        tap_.equal(f"{name}: it tells of labels that there are", set(),
                   told - promql.labels_of(rule["expr"], catalogue))


    queries = {rule["alert"]: [select[1:3] for select in promql.selectors(
        promql.parse(rule["expr"]))] for rule in alerts}
    for name, words, select in ASKS:
        tap_.true(f"{name}: it asks for {words}", select in queries.get(name, []), select,
                  queries.get(name))


def check_dashboard(tap_, catalogue):
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = board["panels"]
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    tap_.equal("dashboard: its data source is a variable", ("datasource", "prometheus"), (
        variables["datasource"]["type"], variables["datasource"]["query"]))
    tap_.true("dashboard: nodes are found by a metric that there is",
              variables["instance"]["definition"].split("(")[1].split(",")[0]
              in catalogue.metrics, "netpold_build_info", variables["instance"]["definition"])
    ids = [panel["id"] for panel in panels]
    tap_.equal("dashboard: no panel has the number of another", len(ids), len(set(ids)))
    cells = [(x, y) for panel in panels for area in [panel["gridPos"]]
             for x in range(area["x"], area["x"] + area["w"])
             for y in range(area["y"], area["y"] + area["h"])]
    tap_.true("dashboard: panels lie side by side", len(cells) == len(set(cells)) and
              max(x for x, _ in cells) < 24, "no cell twice, 24 in a row", len(cells) - len(set(cells)))
    for panel in (panel for panel in panels if panel["type"] != "row"):
        title = panel["title"]
        tap_.equal(f"{title}: its data source is the variable", "${datasource}",
                   panel["datasource"]["uid"])
        tap_.equal(f"{title}: its queries are in order", [],
                   [wrong for target in panel["targets"]
                    if (wrong := problem(target["expr"], catalogue))])
        tap_.equal(f"{title}: its legends name labels that there are", [],
                   [legend for target in panel["targets"] for legend in [target["legendFormat"]]
                    if set(re.findall(r"{{(\w+)}}", legend)) -
                    promql.labels_of(target["expr"], catalogue)])
        tap_.equal(f"{title}: it is of the nodes that are chosen", [],
                   [select[1] for target in panel["targets"]
                    for select in promql.selectors(promql.parse(target["expr"]))
                    if select[2].get("instance") != ("=~", "$instance")])


def check_modes(tap_):
    """Sums of both modes count twice what is judged otherwise by what is staged."""
    queries = [(panel["title"], select) for panel in json.loads(
        DASHBOARD.read_text(encoding="utf-8"))["panels"] for target in panel.get("targets", [])
        for select in promql.selectors(promql.parse(target["expr"]))]
    queries += [(rule["alert"], select) for group in yaml.safe_load(RULES.read_text(
        encoding="utf-8"))["spec"]["groups"] for rule in group["rules"]
        for select in promql.selectors(promql.parse(rule["expr"]))]
    asked = {(title, select[2].get("mode")) for title, select in queries
             if select[1] in ("netpold_verdicts_total", "netpold_policy_verdicts_total")}
    tap_.equal("who asks for verdicts asks for those of one mode", set(), {
        (title, mode) for title, mode in asked if mode not in (("=", "enforce"), ("=", "audit"))})
    tap_.true("somebody asks which policies would deny",
              any(select[1] == "netpold_policy_verdicts_total" and
                  select[2].get("mode") == ("=", "audit") and
                  select[2].get("verdict") == ("=", "deny") for _, select in queries),
              "netpold_policy_verdicts_total{mode=\"audit\",verdict=\"deny\"}", "nobody")


def check_promtool(tap_):
    promtool = shutil.which("promtool")
    if not promtool:
        tap_.comment("promtool is not installed: rules were read by our own reader only")
        return
    spec = yaml.safe_load(RULES.read_text(encoding="utf-8"))["spec"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump(spec, file)
        file.flush()
        done = subprocess.run([promtool, "check", "rules", file.name], capture_output=True,
                              text=True, timeout=60, check=False)
    tap_.equal("promtool: rules are in order", 0, done.returncode)
    if done.returncode:
        tap_.comment(done.stdout + done.stderr)


def test(tap_):
    check_reader(tap_)
    rows, twice = metrics_catalogue.described()
    values = metrics_catalogue.label_values()
    catalogue = promql.Catalogue({name: (row.type, row.labels) for name, row in rows.items()},
                                 values)
    check_described(tap_, rows, twice)
    check_values(tap_, rows, values)
    check_rules(tap_, catalogue)
    check_dashboard(tap_, catalogue)
    check_modes(tap_)
    check_promtool(tap_)


if __name__ == "__main__":
    tap.main(test)
