# SPDX-License-Identifier: GPL-2.0-or-later
"""What manifests/ makes of a cluster, as its API server understands it."""

import json
import pathlib

import kube_server
import netns

MANIFESTS = pathlib.Path(__file__).resolve().parents[2] / "manifests"
GROUP = "monitoring.coreos.com"
OPERATORS = {"ServiceMonitor": "servicemonitors", "PrometheusRule": "prometheusrules"}


def kustomized(kubectl, folder):
    """{(kind, name): object} of a kustomization."""
    return _by_name(kubectl.dry_run("-k", MANIFESTS / folder))


def rendered(values):
    """The manifests of the chart, as text; fails where its schema refuses the values."""
    return netns.run(str(kube_server.PROGRAMS / "chart"), str(MANIFESTS / "chart"),
                     stdin=json.dumps(values)).stdout


def charted(kubectl, values):
    """The same as kustomized(), of the chart."""
    return _by_name(kubectl.dry_run("-f", "-", stdin=rendered(values)))


def _by_name(objects):
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def pod_spec(objects):
    return objects["DaemonSet", "netpold"]["spec"]["template"]["spec"]


def environment(container):
    """{name: value} of what is said as a value."""
    return {item["name"]: item["value"] for item in container.get("env", ()) if "value" in item}


def plain(item):
    """An object without what tells who wrote it, and when, and in which order."""
    metadata = {key: item["metadata"].get(key) for key in ("name", "namespace")}
    rest = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    plain_ = json.loads(json.dumps({**rest, "metadata": metadata}))
    if item["kind"] == "DaemonSet":
        for container in pod_spec({("DaemonSet", "netpold"): plain_})["containers"]:
            container.get("env", []).sort(key=lambda variable: variable["name"])
    return plain_


def know_operators(kubectl):
    """The kinds of the Prometheus operator, with any contents: what is in them is checked in
    tests/daemon/monitoring_test.py."""
    kubectl.run("apply", "-f", "-", stdin=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [{
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{GROUP}"},
            "spec": {"group": GROUP, "scope": "Namespaced",
                     "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {
                         "openAPIV3Schema": {"type": "object",
                                             "x-kubernetes-preserve-unknown-fields": True}}}]},
        } for kind, plural in OPERATORS.items()]}))
    kubectl.run("wait", "--for=condition=Established", "--timeout=30s",
                *(f"crd/{plural}.{GROUP}" for plural in OPERATORS.values()))
