#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A real API server takes what manifests/ has, and the chart makes the same of it.

kubectl reads the kustomizations and Helm's code fills in the chart, as they do for users;
the server checks each object in earnest, and keeps none (server-side dry run).
"""

import json
import re

import daemon
import deployed
import kube_server
import kubectl as kubectl_
import netns
import tap

RIGHTS = [("ClusterRole", "netpold"), ("ClusterRoleBinding", "netpold"),
          ("ServiceAccount", "netpold")]
EVERYWHERE = sorted([*RIGHTS, ("DaemonSet", "netpold")])
FOLDERS = {  # by kustomization: what it makes
    "base": EVERYWHERE,
    "overlays/audit": EVERYWHERE,
    "overlays/clean": EVERYWHERE,
    "overlays/fail-closed": EVERYWHERE,
    "overlays/monitoring": sorted([
        *EVERYWHERE, ("ConfigMap", "netpold-dashboard"), ("PrometheusRule", "netpold"),
        ("Service", "netpold"), ("ServiceMonitor", "netpold")]),
}
TWINS = {  # by kustomization: the values that make the same
    "base": {},
    "overlays/audit": {"settings": {"mode": "audit", "flow-log": "stdout",
                                    "flow-log-only": "denied"}},
    "overlays/fail-closed": {"settings": {"on-failure": "closed", "hold-unknown": 900}},
    "overlays/monitoring": {"metrics": {"enabled": True, "serviceMonitor": True, "rules": True,
                                        "dashboard": True}},
}
# Said by the chart itself, by other values, or by the kubelet.
NOT_SETTINGS = {"check", "config", "help", "kubeconfig", "manifests", "metrics-listen",
                "metrics-tls-cert", "metrics-tls-key", "metrics-token-file", "node-name",
                "state-dir", "status-socket", "when-replaced"}
READ = (  # a sentence, a setting, its value, and what netpold reads
    ("a large number is written out", "flow-log-bytes", 104857600, "104857600"),
    ("on without quotes is on", "flow-log-ends", True, "on"),
    ("off without quotes is off", "kernel-cache", False, "off"),
    ("a size is a number", "kernel-cache", 4096, "4096"),
    ("a mask may be hexadecimal", "mark-mask", "0xff00", "0xff00"),
    ("a page's port is one of the node's loopback", "page-listen", 9501, "9501"),
    ("a range is as it is", "pod-cidr", "10.244.0.0/16,fd00::/56", "10.244.0.0/16,fd00::/56"),
)
REFUSED = (  # a sentence, values, and a word of the refusal
    ("an option that netpold does not have", {"settings": {"on-failur": "closed"}}, "on-failur"),
    ("a word that it does not know", {"settings": {"on-failure": "close"}}, "on-failure"),
    ("a number that is out of range", {"settings": {"hold-unknown": 5000}}, "hold-unknown"),
    ("what the chart says itself", {"settings": {"when-replaced": "exit"}}, "when-replaced"),
    ("a page at no port", {"settings": {"page-listen": "10.0.0.7"}}, "page-listen"),
    ("a value that is misspelt", {"metric": {"enabled": True}}, "metric"),
    ("a monitor of what is not told",
     {"metrics": {"enabled": False, "serviceMonitor": True}}, "serviceMonitor"),
    ("a digest that is none", {"image": {"digest": "sha256:abc"}}, "digest"),
)


def container_of(objects):
    return deployed.pod_spec(objects)["containers"][0]


FACTS = (  # a sentence, what is looked at in the base, and what is there
    ("it is in the node's network", lambda pod, _: pod.get("hostNetwork"), True),
    ("it is in no other namespace of the node's",
     lambda pod, _: [pod.get("hostPID"), pod.get("hostIPC")], [None, None]),
    ("no host port keeps two of them from running at once",
     lambda _, one: one.get("ports", []), []),
    ("it has two capabilities, and no others",
     lambda _, one: one["securityContext"]["capabilities"],
     {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]}),
    ("it cannot gain any",
     lambda _, one: one["securityContext"]["allowPrivilegeEscalation"], False),
    ("it cannot write to its image",
     lambda _, one: one["securityContext"]["readOnlyRootFilesystem"], True),
    ("it is under the runtime's seccomp profile",
     lambda _, one: one["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"}),
    ("it is not privileged", lambda _, one: one["securityContext"].get("privileged"), None),
    ("it asks for memory and a share of a CPU, and has no limit",
     lambda _, one: [sorted(one["resources"]), sorted(one["resources"]["requests"])],
     [["requests"], ["cpu", "memory"]]),
    ("it goes last where memory runs out", lambda pod, _: pod["priorityClassName"],
     "system-node-critical"),
    ("no taint keeps it from a node", lambda pod, _: pod["tolerations"], [{"operator": "Exists"}]),
    ("its own command says whether it is ready",
     lambda _, one: one["readinessProbe"]["exec"]["command"], ["netpold", "status", "--ready"]),
    ("and whether it lives",
     lambda _, one: one["livenessProbe"]["exec"]["command"], ["netpold", "status", "--live"]),
    ("it sees three places of the node's, and no others",
     lambda pod, _: sorted(volume["hostPath"]["path"] for volume in pod["volumes"]),
     ["/run/netpold", "/run/xtables.lock", "/var/lib/netpold"]),
)


def check_kustomized(tap_, kubectl):
    made = {}
    for folder, expected in FOLDERS.items():
        try:
            made[folder] = deployed.kustomized(kubectl, folder)
        except netns.CommandError as error:
            tap_.true(f"{folder}: the server takes it", False, "no error", error)
            continue
        tap_.equal(f"{folder}: the server takes all of it", expected, sorted(made[folder]))
    return made


def check_facts(tap_, objects):
    pod = deployed.pod_spec(objects)
    for sentence, look, expected in FACTS:
        tap_.equal(sentence, expected, look(pod, pod["containers"][0]))
    tap_.equal("another one comes before the first one goes",
               {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
               objects["DaemonSet", "netpold"]["spec"]["updateStrategy"])


def check_pods(tap_, kubectl, made):
    """What a DaemonSet's controller makes goes through more checks than the DaemonSet."""
    for folder, objects in made.items():
        template = objects["DaemonSet", "netpold"]["spec"]["template"]
        pod = kubectl.dry_run("-f", "-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
                **template["metadata"], "name": "netpold-x", "namespace": "kube-system"}}))[0]
        tap_.equal(f"{folder}: its pods are let in, with the priority of what nodes need",
                   2000001000, pod["spec"]["priority"])


def check_images(tap_, made):
    """Who says in the base where the image is has said it everywhere."""
    expected = container_of(made["base"])["image"]
    for folder, objects in made.items():
        pod = deployed.pod_spec(objects)
        tap_.equal(f"{folder}: every container is of the base's image", {expected}, {
            one["image"] for one in pod.get("initContainers", []) + pod["containers"]})


def check_chart(tap_, kubectl, made):
    for folder, values in TWINS.items():
        objects = deployed.charted(kubectl, values)
        expected = made[folder]
        tap_.equal(f"{folder}: the chart makes as many objects", sorted(expected), sorted(objects))
        for key in sorted(expected.keys() & objects.keys()):
            tap_.equal(f"{folder}: the chart makes the same {key[0]}",
                       json.dumps(deployed.plain(expected[key]), indent=1, sort_keys=True),
                       json.dumps(deployed.plain(objects[key]), indent=1, sort_keys=True))


def check_values(tap_, kubectl):
    for sentence, name, value, expected in READ:
        objects = deployed.charted(kubectl, {"settings": {name: value}})
        variable = "NETPOLD_" + name.upper().replace("-", "_")
        tap_.equal(sentence, expected, deployed.environment(container_of(objects)).get(variable))
    secrets = deployed.charted(kubectl, {"metrics": {
        "enabled": True, "port": 9999, "tokenSecret": "t", "tlsSecret": "s",
        "serviceMonitor": True}})
    one = container_of(secrets)
    folders = [mount["mountPath"] for mount in one["volumeMounts"]]
    files = [value for name, value in deployed.environment(one).items()
             if re.fullmatch("NETPOLD_METRICS_T.*", name)]
    tap_.equal("token, certificate and key are where netpold is told to look for them",
               (3, []), (len(files), [file for file in files
                                      if file.rpartition("/")[0] not in folders]))
    tap_.equal("with TLS, too, the kubelet asks by netpold's own command", [["exec"], ["exec"]], [
        [how for how in one[probe] if how in ("exec", "httpGet", "tcpSocket", "grpc")]
        for probe in ("livenessProbe", "readinessProbe")])
    digest = "sha256:" + "0" * 64
    image = container_of(deployed.charted(kubectl, {"image": {
        "repository": "example.org/netpold", "digest": digest}}))["image"]
    tap_.equal("an image may be named by its digest", f"example.org/netpold@{digest}", image)


def check_refused(tap_):
    for sentence, values, word in REFUSED:
        try:
            said = f"no refusal, but: {deployed.rendered(values)}"
        except netns.CommandError as error:
            said = str(error)
        tap_.true(f"the chart refuses {sentence}", word in said and "meet the spec" in said,
                  f"a refusal that names {word}", said)


def check_names(tap_):
    shown = netns.run(str(daemon.PROGRAM), "run", "--help").stdout
    options = set(re.findall(r"(?m)^  --([a-z-]+)", shown)) - NOT_SETTINGS
    schema = json.loads((deployed.MANIFESTS / "chart/values.schema.json").read_text())
    tap_.equal("the chart has a setting for each option, and no other", sorted(options),
               sorted(schema["properties"]["settings"]["properties"]))
    version = netns.run(str(daemon.PROGRAM), "--version").stdout.split()[1]
    chart = (deployed.MANIFESTS / "chart/Chart.yaml").read_text()
    base = (deployed.MANIFESTS / "base/kustomization.yaml").read_text()
    tap_.equal("chart and kustomization are of this version", [version] * 3,
               re.findall(r"(?m)^(?:appV|v)ersion: (.+)$", chart)
               + re.findall(r"newTag: (.+)", base))


def test(tap_):
    kube_server.must_exist()
    kubectl_.must_exist()
    daemon.must_exist()
    check_names(tap_)
    check_refused(tap_)
    with kube_server.alone() as server:
        kubectl = kubectl_.Kubectl(server)
        deployed.know_operators(kubectl)
        made = check_kustomized(tap_, kubectl)
        check_facts(tap_, made["base"])
        check_pods(tap_, kubectl, made)
        check_images(tap_, made)
        check_chart(tap_, kubectl, made)
        check_values(tap_, kubectl)


if __name__ == "__main__":
    tap.main(test)
