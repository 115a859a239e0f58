#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold suggest` for the recipes that people know NetworkPolicy by: what a recipe
lets through is captured, policies are made of the capture, and they let the same
through, and nothing of what the recipe was there to stop (L37).

    shop         web, api, db, cache       web serves http (8080) and admin (9090)
    lab          tool, scraper             purpose=testing
    prod         caller                    purpose=production
    kube-system  dns

Each workload has one pod. Prints TAP. NETPOLD names the program (default:
build/netpold).
"""

import pathlib
import tempfile

import suggest_test
from suggest_test import manifests, pcaps, tap

NAMESPACES = [
    manifests.namespace("shop"), manifests.namespace("lab", purpose="testing"),
    manifests.namespace("prod", purpose="production"), manifests.namespace("kube-system"),
]
PODS = {  # name: namespace, labels
    "web": ("shop", {"app": "web"}), "api": ("shop", {"app": "api"}), "db": ("shop", {"app": "db"}),
    "cache": ("shop", {"app": "cache"}), "tool": ("lab", {"app": "tool"}),
    "scraper": ("lab", {"app": "scraper", "type": "monitoring"}), "caller": ("prod", {"app": "caller"}),
    "dns": ("kube-system", {"k8s-app": "kube-dns"}),
}
PORTS = {"web": [("http", 8080, "TCP"), ("admin", 9090, "TCP")]}
ADDRESSES = {name: f"10.5.{i}.10" for i, name in enumerate(PODS)}
WORLD = NAMESPACES + [
    suggest_test.owned("StatefulSet", name, manifests.pod(
        f"{name}-0", namespace, "node-1", [ADDRESSES[name]], labels, PORTS.get(name, ())))
    for name, (namespace, labels) in PODS.items()]
OUTSIDE = "203.0.113.7"


def web(ingress=None, egress=None):
    return manifests.policy("web", "shop", {"app": "web"}, ingress, egress)


def db(ingress):
    return manifests.policy("db", "shop", {"app": "db"}, ingress)


def everyone(ingress=None, egress=None):
    return manifests.policy("all", "shop", {}, ingress, egress)


LOOKUPS = manifests.to([manifests.namespaces()], [manifests.port(53, "UDP"), manifests.port(53)])

RECIPES = [  # sentence, policy, what is seen, what is stopped: from, to, port or protocol
    ("deny all traffic to an application", web(ingress=[]),
     [("web", "db", 5432)], [("api", "web", 8080), (OUTSIDE, "web", 8080)]),
    ("limit traffic to an application", db([manifests.rule([manifests.pods(app="web")])]),
     [("web", "db", 5432)], [("api", "db", 5432), ("tool", "db", 5432)]),
    ("deny all traffic to a namespace", everyone(ingress=[]),
     [("web", "tool", 80), ("api", "tool", 80)], [("web", "api", 80), ("caller", "web", 8080)]),
    ("deny all traffic from other namespaces", everyone(ingress=[manifests.rule([manifests.pods()])]),
     [("web", "db", 5432), ("api", "db", 5432)], [("tool", "db", 5432), ("caller", "db", 5432)]),
    ("allow traffic from all namespaces", web(ingress=[manifests.rule([manifests.namespaces()])]),
     [("tool", "web", 8080), ("caller", "web", 8080)], [(OUTSIDE, "web", 8080)]),
    ("allow all traffic from a namespace",
     web(ingress=[manifests.rule([manifests.namespaces(purpose="production")])]),
     [("caller", "web", 8080)], [("tool", "web", 8080), ("api", "web", 8080)]),
    ("allow traffic from some pods in another namespace", web(ingress=[manifests.rule([
        {**manifests.namespaces(purpose="testing"), **manifests.pods(type="monitoring")}])]),
     [("scraper", "web", 9090)], [("tool", "web", 9090), ("api", "web", 9090)]),
    ("allow traffic from external clients",
     web(ingress=[manifests.rule([], [manifests.port("http")])]),
     [(OUTSIDE, "web", 8080)], [(OUTSIDE, "web", 9090)]),
    ("allow traffic only to a port of an application",
     web(ingress=[manifests.rule([manifests.namespaces()], [manifests.port("admin")])]),
     [("scraper", "web", 9090)], [("scraper", "web", 8080)]),
    ("allow traffic from apps using multiple selectors",
     db([manifests.rule([manifests.pods(app="api"), manifests.pods(app="cache")])]),
     [("api", "db", 5432), ("cache", "db", 5432)], [("web", "db", 5432)]),
    ("deny egress traffic from an application", web(egress=[]),
     [("api", "web", 8080)], [("web", "db", 5432), ("web", OUTSIDE, 443), ("web", "dns", "lookup")]),
    ("deny all egress traffic from a namespace but lookups", everyone(egress=[LOOKUPS]),
     [("web", "dns", "lookup"), ("api", "dns", "lookup")], [("web", "api", 80), ("api", OUTSIDE, 443)]),
    ("limit egress traffic to the cluster", web(egress=[manifests.to([manifests.namespaces()])]),
     [("web", "db", 5432), ("web", "caller", 80), ("web", "dns", "lookup")], [("web", OUTSIDE, 443)]),
    ("allow egress traffic to a block, but for a part of it",
     web(egress=[manifests.to([manifests.block("203.0.0.0/16", "203.0.7.0/24")])]),
     [("web", OUTSIDE, 443)], [("web", "203.0.7.7", 443), ("web", "198.51.100.7", 443)]),
    ("allow a range of ports", db([manifests.rule([], [manifests.port(9000, end=9002)])]),
     [("web", "db", 9000), ("web", "db", 9001), ("web", "db", 9002)], [("web", "db", 9003)]),
    ("allow one protocol", db([manifests.rule([], [manifests.port(514, "UDP")])]),
     [("web", "db", "UDP")], [("web", "db", 514)]),
]


def packets_of(i, flow):
    source, target = (ADDRESSES.get(end, end) for end in flow[:2])
    if flow[2] == "lookup":
        return pcaps.lookup(source, 40000 + i, target)
    if flow[2] == "UDP":
        return [pcaps.udp(source, 40000 + i, target, 514)]
    return pcaps.connection(source, 40000 + i, target, flow[2])


def capture(folder, name, flows):
    path = folder / name
    path.write_bytes(pcaps.traffic(*(packets_of(i, flow) for i, flow in enumerate(flows))))
    return path


def first_packets(folder, flows):
    path = folder / "stopped.pcap"
    path.write_bytes(pcaps.traffic(*(packets_of(i, flow)[:1] for i, flow in enumerate(flows))))
    return path


def workloads_of(flows):
    """Their policies have the names of these."""
    return sorted({(PODS[end][0], end) for flow in flows for end in flow[:2] if end in PODS})


def check_recipe(tap_, folder, world, sentence, recipe, seen, stopped):
    seen_pcap, stopped_pcap = capture(folder, "seen.pcap", seen), first_packets(folder, stopped)
    recipe_path = suggest_test.write(folder, "recipe", recipe)
    expected = ["allow"] * len(seen), ["deny"] * len(stopped)

    def answers(*policies):
        return tuple(suggest_test.verdicts([world, *policies], pcap) for pcap in (seen_pcap, stopped_pcap))

    tap_.equal(f"{sentence}: so does the recipe", expected, answers(recipe_path))
    done = suggest_test.suggest("--manifests", world, "--min-count", 1, seen_pcap)
    made = folder / "suggested.yaml"
    made.write_bytes(done.stdout)
    tap_.equal(f"{sentence}: so does what is suggested", expected, answers(made))
    tap_.equal(f"{sentence}: in one policy for each workload that was seen", workloads_of(seen),
               sorted(suggest_test.named(done.stdout)))


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        world = suggest_test.write(folder, "world", *WORLD)
        for recipe in RECIPES:
            check_recipe(tap_, folder, world, *recipe)


if __name__ == "__main__":
    tap.main(test)
