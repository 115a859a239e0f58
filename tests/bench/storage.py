# SPDX-License-Identifier: GPL-2.0-or-later
"""Where an API server keeps its objects: in etcd, and here past the API server.

A call of the API for each of 50,000 pods takes minutes, and a thousand changes a
second measure the server that takes them. What is written here reaches the server as
if another server of the same cluster had taken it: it gets a version, and comes to
everybody who watches. Nothing is validated and nothing is filled in,
so objects have to be as the server would have kept them. The server reads JSON as
well, and protobuf at a fraction of the cost.
"""

import base64
import http.client
import itertools
import json
import re
import socket

import kube_client
import kube_server
import netns

PREFIX = "/registry"
FOLDERS = {"Namespace": "namespaces", "NetworkPolicy": "networkpolicies", "Node": "minions",
           "Pod": "pods"}
# etcd's answer to a write; how long its text is, and that.
DONE = b"HTTP/1.1 200"
ANSWER = re.compile(rb"(?is)HTTP/1.1 200.*?\r\ncontent-length: *(\d+)\r\n(?:.*?\r\n)?\r\n(.*)")
BATCH = 100  # etcd takes 128 operations in a transaction, and 1.5 MiB


class Storage:
    """One connection to etcd: for one thread at a time. Use it in a with statement.

    @server  a KubeServer that runs
    """

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(*kube_server.ETCD)
        self.connection.sock = kube_client.connect(server.host.pid, kube_server.ETCD)
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def put(self, objects):
        """Write them in batches, before the server starts: the objects of one share a
        version, which no server lets happen."""
        objects = iter(objects)
        while batch := list(itertools.islice(objects, BATCH)):
            self._change('{"success":[' + ",".join(
                f'{{"requestPut":{request(item)}}}' for item in batch) + "]}")

    def write(self, asked):
        """Write one object.

        By hand: http.client takes more CPU for it than etcd does.

        @asked  request() of it
        """
        content = asked.encode()
        self.connection.sock.sendall(b"POST /v3/kv/put HTTP/1.1\r\nHost: etcd\r\n"
                                     b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        answer = b""
        while not (whole := ANSWER.match(answer)) or len(whole[2]) < int(whole[1]):
            heard = self.connection.sock.recv(1 << 16)
            if not heard:
                raise netns.CommandError("etcd has closed the connection")
            answer += heard
            if len(answer) >= len(DONE) and not answer.startswith(DONE):
                raise netns.CommandError(f"etcd: put: {answer.decode(errors='replace')}")

    def _change(self, asked):
        self.connection.request("POST", "/v3/kv/txn", asked)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise netns.CommandError(f"etcd: txn: {answer.status}: {text.decode()}")


def request(item, content=None):
    """What writes an object, as text: in JSON, or in these bytes."""
    content = content or json.dumps(item, separators=(",", ":")).encode()
    key, value = (base64.b64encode(part).decode() for part in (_key(item).encode(), content))
    return f'{{"key":"{key}","value":"{value}"}}'


def _key(item):
    namespace = kube_client.namespace_of(item)
    return "/".join((PREFIX, FOLDERS[item["kind"]], *([namespace] if namespace else []),
                     item["metadata"]["name"]))
