# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of the API server, for tests: what people and controllers do there.

The server listens in a network namespace, and so does nobody else there: each
connection is made by a thread that has gone into it, and is used from here.
"""

import base64
import concurrent.futures
import ctypes
import http.client
import json
import re
import socket
import ssl

CLONE_NEWNET = 0x40000000
TIMEOUT_S = 30
KINDS = {  # by kind: where its objects are
    "ClusterNetworkPolicy": "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "Namespace": "/api/v1/namespaces",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Node": "/api/v1/nodes",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
}

libc = ctypes.CDLL(None, use_errno=True)


class KubeError(Exception):
    """The server has refused; the message is its own."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


def connect(pid, address):
    """A TCP connection within the network namespace of a process."""
    def inside():
        with open(f"/proc/{pid}/ns/net", encoding="ascii") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "cannot enter a network namespace")
        return socket.create_connection(address, TIMEOUT_S)
    with concurrent.futures.ThreadPoolExecutor(1) as elsewhere:  # it never comes back
        return elsewhere.submit(inside).result()


def ask(pid, address, method, path, body=None, headers=None, tls=None):
    """One request: (status, text)."""
    connection = http.client.HTTPConnection(*address)
    connection.sock = connect(pid, address)
    try:
        if tls:
            connection.sock = tls.wrap_socket(connection.sock, server_hostname=address[0])
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class KubeClient:
    """Somebody who asks: by a client certificate, or by a token.

    @pid      of a process in the server's namespace
    @address  (host, port) there
    """

    def __init__(self, pid, address, authority, certificate=None, token=None):
        self.pid, self.address, self.token = pid, address, token
        self.tls = ssl.create_default_context(cafile=authority)
        if certificate:
            self.tls.load_cert_chain(*certificate)

    def _headers(self, accepted="application/json"):
        return {"Accept": accepted,
                **({"Authorization": f"Bearer {self.token}"} if self.token else {})}

    def _connection(self):
        connection = http.client.HTTPConnection(*self.address)
        connection.sock = self.tls.wrap_socket(connect(self.pid, self.address),
                                               server_hostname=self.address[0])
        return connection

    def call(self, method, path, body=None, content_type="application/json"):
        """The answer's object; its text, where it is none."""
        headers = {"Content-Type": content_type, **self._headers()}
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        status, text = ask(self.pid, self.address, method, path, body, headers, self.tls)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = text
        if status >= 300:
            raise KubeError(status, answer["message"] if isinstance(answer, dict) else answer)
        return answer

    def protobuf(self, items):
        """Each of some objects in the bytes that the server keeps it in: those that it answers
        with who asks for protobuf, but for a version, which it does not read there."""
        connection = self._connection()
        try:
            for item in items:
                connection.request("GET", _place(item), headers=self._headers(
                    "application/vnd.kubernetes.protobuf"))
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    raise KubeError(answer.status, content.decode(errors="replace"))
                yield content
        finally:
            connection.close()

    # ---- any object ----------------------------------------------------------

    def create(self, item):
        return self.call("POST", collection(item["kind"], namespace_of(item)), item)

    def get(self, kind, namespace, name):
        return self.call("GET", f"{collection(kind, namespace)}/{name}")

    def apply(self, item):
        """Create it, or make it what is said here."""
        return self.call("PATCH", f"{_place(item)}?fieldManager=test&force=true", item,
                         "application/apply-patch+yaml")

    def patch(self, kind, namespace, name, change, subresource=""):
        """@change  a merge patch (RFC 7386): None takes a field away"""
        return self.call("PATCH", f"{collection(kind, namespace)}/{name}{subresource}", change,
                         "application/merge-patch+json")

    def delete(self, kind, namespace, name, grace_s=0):
        return self.call("DELETE", f"{collection(kind, namespace)}/{name}",
                         {"apiVersion": "v1", "kind": "DeleteOptions",
                          "gracePeriodSeconds": grace_s})

    def label(self, kind, namespace, name, **labels):
        """None takes a label away."""
        return self.patch(kind, namespace, name, {"metadata": {"labels": labels}})

    def apply_file(self, path):
        """Create what a file of YAML documents holds: the server reads them itself."""
        for document in re.split(r"(?m)^---\n", path.read_text(encoding="utf-8")):
            if not (kind := re.search(r"(?m)^kind: (\w+)$", document)):
                continue
            namespace = re.search(r"(?m)^  namespace: (\S+)$", document)
            self.call("POST", collection(kind[1], namespace[1] if namespace else ""), document,
                      "application/yaml")

    def watch(self, kind, namespace, version, seconds=1):
        """The events of a watch from a version on, for some seconds."""
        query = f"?watch=1&timeoutSeconds={seconds}&resourceVersion={version}"
        answer = self.call("GET", collection(kind, namespace) + query)
        return [answer] if isinstance(answer, dict) else \
            [json.loads(line) for line in answer.splitlines()]

    def follow(self, kind, namespace, name):
        """The events of one object as they come, from how it is now on."""
        connection = self._connection()
        connection.sock.settimeout(None)
        try:
            connection.request("GET", f"{collection(kind, namespace)}?watch=1&fieldSelector="
                               f"metadata.name%3D{name}", headers=self._headers())
            answer = connection.getresponse()
            if answer.status != 200:
                raise KubeError(answer.status, answer.read().decode())
            for line in answer:
                yield json.loads(line)
        finally:
            connection.close()

    # ---- as kubelets and controllers do --------------------------------------

    def create_pod(self, item, with_status=True):
        """A pod that is on its node at once; its addresses come through the status."""
        created = self.create({**item, "status": {}})
        if with_status:
            self.set_status(item)
        return created

    def set_status(self, item):
        return self.patch("Pod", namespace_of(item), item["metadata"]["name"],
                          {"status": item["status"]}, "/status")

    def finalize_namespace(self, name):
        """What the namespace controller does when nothing is left in it."""
        item = self.get("Namespace", "", name)
        item["spec"]["finalizers"] = []
        return self.call("PUT", f"/api/v1/namespaces/{name}/finalize", item)

    def request_token(self, account, bound_to=None, seconds=600):
        """A token of a service account, "namespace/name", for ten minutes at least.

        @bound_to  a Secret: the token ends with it
        """
        namespace, name = account.split("/")
        spec = {"expirationSeconds": seconds}
        if bound_to:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Secret",
                                      "name": bound_to["metadata"]["name"],
                                      "uid": bound_to["metadata"]["uid"]}
        answer = self.call("POST", f"{collection('ServiceAccount', namespace)}/{name}/token",
                           {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                            "spec": spec})
        return answer["status"]["token"]


def namespace_of(item):
    return item["metadata"].get("namespace", "")


def collection(kind, namespace=""):
    """The path of all objects of a kind: of one namespace, or everywhere."""
    if not namespace:
        return KINDS[kind].replace("namespaces/{}/", "")
    return KINDS[kind].format(namespace)


def _place(item):
    return f"{collection(item['kind'], namespace_of(item))}/{item['metadata']['name']}"


def credential_of(token):
    """What the audit log calls a token: its ID."""
    payload = token.split(".")[1]
    return "JTI=" + json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]
