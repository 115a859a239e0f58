# SPDX-License-Identifier: GPL-2.0-or-later
"""Pods as large as real ones, of which netpold needs little.

What kubelets, schedulers and controllers write is there, managed fields included;
an annotation fills what is missing of the size. A server adds nothing to such a
pod when it hands it out but its version.
"""

import json

SIZE = 4096  # bytes, as the server hands it out
VERSION = '"resourceVersion":"1234567",'
TOKEN = "kube-api-access-x7k2p"
WHEN = "2024-01-01T00:00:07Z"


def _field(*path):
    """{"f:a": {"f:b": {}}} of a.b"""
    made = {}
    for name in reversed(path):
        made = {f"f:{name}": made}
    return made


def _managed(labels):
    container = 'k:{"name":"main"}'
    return [
        {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
         "time": WHEN, "fieldsType": "FieldsV1", "fieldsV1": {
             "f:metadata": {"f:generateName": {},
                            "f:labels": {".": {}, **{f"f:{name}": {} for name in labels}},
                            "f:ownerReferences": {".": {}, 'k:{"uid":"…"}': {}}},
             "f:spec": {"f:containers": {container: {
                 ".": {}, **_field("image"), **_field("imagePullPolicy"), **_field("name"),
                 **_field("ports"), **_field("resources")}},
                 **_field("dnsPolicy"), **_field("enableServiceLinks"), **_field("restartPolicy"),
                 **_field("schedulerName"), **_field("terminationGracePeriodSeconds")}}},
        {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": WHEN,
         "fieldsType": "FieldsV1", "subresource": "status", "fieldsV1": {"f:status": {
             "f:conditions": {f'k:{{"type":"{kind}"}}': {
                 ".": {}, **_field("lastProbeTime"), **_field("status"), **_field("type")}
                 for kind in CONDITIONS},
             **_field("containerStatuses"), **_field("hostIP"), **_field("phase"),
             "f:podIPs": {".": {}, 'k:{"ip":"…"}': {".": {}, "f:ip": {}}}}}},
    ]


CONDITIONS = ("Initialized", "Ready", "ContainersReady", "PodScheduled")


def fatten(pod):
    """Make a pod of manifests.pod() as large as SIZE says; returns it."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod["status"]
    container = spec["containers"][0]
    container |= {
        "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {
            "apiVersion": "v1", "fieldPath": "spec.nodeName"}}}],
        "resources": {"limits": {"memory": "256Mi"},
                      "requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [{"name": TOKEN, "readOnly": True,
                          "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent"}
    spec |= {
        "volumes": [{"name": TOKEN, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt",
                           "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}],
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst", "serviceAccountName": "default",
        "serviceAccount": "default", "securityContext": {}, "schedulerName": "default-scheduler",
        "tolerations": [{"key": f"node.kubernetes.io/{trouble}", "operator": "Exists",
                         "effect": "NoExecute", "tolerationSeconds": 300}
                        for trouble in ("not-ready", "unreachable")],
        "priority": 0, "enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"}
    status |= {
        "conditions": [{"type": kind, "status": "True", "lastProbeTime": None,
                        "lastTransitionTime": WHEN} for kind in CONDITIONS],
        "hostIP": "192.0.2.1", "hostIPs": [{"ip": "192.0.2.1"}], "startTime": WHEN,
        "containerStatuses": [{
            "name": "main", "state": {"running": {"startedAt": WHEN}}, "lastState": {},
            "ready": True, "restartCount": 0, "image": "example.org/image:1",
            "imageID": f"example.org/image@sha256:{'3c' * 32}",
            "containerID": f"containerd://{'b7' * 32}", "started": True}],
        "qosClass": "Burstable"}
    metadata["managedFields"] = _managed(metadata["labels"])
    metadata["annotations"] = {"example.org/notes": ""}
    missing = SIZE - len(VERSION) - len(json.dumps(pod, separators=(",", ":"),
                                                   ensure_ascii=False).encode())
    if missing < 0:
        raise ValueError(f"a pod of more than {SIZE} bytes, by {-missing}")
    metadata["annotations"]["example.org/notes"] = ("lorem ipsum dolor " * 300)[:missing]
    return pod
