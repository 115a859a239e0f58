# SPDX-License-Identifier: GPL-2.0-or-later
"""A node with nothing but a fake API server, and a netpold that is fed from it.

    +------------------ node ------------------+
    |   netpold ── 127.0.0.1 ──► Server ◄──────|── the test puts, deletes, breaks
    |      │                                   |
    |      └──► /var/lib/netpold/warm          |── what it believes, at its end
    +------------------------------------------+

There are no pods here: what netpold believes is read from its warm file, which an
orderly end writes. Where packets have to be seen, the server is in the node of a
world (see world.py), by the same means.
"""

import contextlib
import functools
import json
import tempfile
import threading
import time

import authority
import daemon
import fake_api
import fake_store
import kubeconfig
import netns
import observer

NODE = "node-a"
STATE = "/var/lib/netpold"
_making = threading.Lock()  # of keys and certificates
FOLDER = "/run/kube"  # of the node: its kubeconfig and what that names


@functools.cache
def _folder():
    return tempfile.TemporaryDirectory(prefix="netpold-fake-")  # gone with us


@functools.cache
def our_authority():
    """One for all cases of a test: keys take their time."""
    return authority.Authority(_folder().name)


@functools.cache
def foreign_authority():
    return authority.Authority(_folder().name, "foreign CA")


@functools.cache
def _certificate(names, days, foreign):
    return (foreign_authority() if foreign else our_authority()).server(*names, days=days)


def certificate(*names, days=2, foreign=False):
    """(certificate, key) of a server, which is this one unless it is said otherwise."""
    with _making:
        # Files are named for the names: here each kind of it has one of its own.
        names = names or ("IP:127.0.0.1", "IP:::1", f"DNS:days{days}.example")
        return _certificate(names, days, foreign)


def client_certificate(user):
    with _making:
        return our_authority().client(user, "system:nodes")


def prepare():
    """What cases that run side by side share."""
    netns.nursery()
    certificate()
    foreign_authority()


class Node:
    """As much of a world as daemon.Daemon needs: use it in a with statement."""

    node_name, backend = NODE, "nft"

    def __init__(self):
        self.node = netns.Namespace("node", is_node=True).wait_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.node.stop()


class Fed:
    """A fake server in the node of a world, and how to get at it. Use it in a with
    statement.

    @plain  HTTP, and no TLS
    """

    def __init__(self, world, plain=False, **server):
        self.world = world
        self.folder = world.node.path(FOLDER)
        self.folder.mkdir(exist_ok=True)
        self.server = fake_api.Server(
            world.node, tls=None if plain else certificate(),
            client_ca=None if plain else our_authority().file, **server)
        self.config = f"{FOLDER}/config"

    def __enter__(self):
        self.server.start()
        our_authority().copy(self.folder / "ca.crt")
        self.write_token("first")
        self.write()
        return self

    def __exit__(self, *_):
        self.server.stop()

    def write_token(self, token):
        kubeconfig.put(self.folder / "token", token + "\n")

    def write(self, user=None, **cluster):
        """The kubeconfig, with other words than usual; None takes a word out."""
        cluster = {"server": self.server.url, "certificate-authority": "ca.crt", **cluster}
        kubeconfig.write(self.folder / "config",
                         {name: value for name, value in cluster.items() if value is not None},
                         {"tokenFile": "token"} if user is None else user)

    def put(self, *objects):
        for item in objects:
            self.server.store.put(item)

    def netpold(self, *options, source=None, **more):
        """Started, and not waited for."""
        return daemon.Daemon(self.world, *options,
                             source=source or ("--kubeconfig", self.config), **more)

    def counts(self):
        """(objects of each resource, troubles), as the status tells."""
        resources = observer.get(self.world, "status")["source"]["resources"]
        return ({resource["name"]: resource["objects"] for resource in resources},
                [resource["trouble"] for resource in resources if "trouble" in resource])

    def server_counts(self):
        """What they should be."""
        return ({name: sum(map(counts, self.server.store.items(name)[0]))
                 for name in fake_store.RESOURCES}, [])

    def wait_counts(self):
        """Until the status, which is written twice a second, tells what the server
        holds; returns what it told last."""
        deadline = time.monotonic() + daemon.PATIENCE
        while (found := self.counts()) != self.server_counts() and \
                time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def warm_objects(self):
        """What the last run believed, as far as it decides."""
        lines = self.world.node.path(f"{STATE}/warm").read_text().splitlines()[2:]
        return sorted(essence(json.loads(line)) for line in lines)

    def server_objects(self):
        """What it should believe."""
        return sorted(essence(item) for resource in fake_store.RESOURCES.values()
                      if not resource.is_custom
                      for item in self.server.store.items(resource.name)[0] if counts(item))


def counts(item):
    """Whether netpold wants to know of an object."""
    if item["kind"] == "Node":
        return item["metadata"]["name"] == NODE
    return item.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def essence(item):
    """Of an object, as one line: what it is and what decides."""
    meta, spec, status = item["metadata"], item.get("spec", {}), item.get("status", {})
    words = {"labels": meta.get("labels", {}), "node": spec.get("nodeName"),
             "addresses": [ip["ip"] for ip in status.get("podIPs", ())],
             "selects": _plain(spec.get("podSelector")), "types": spec.get("policyTypes"),
             "ingress": _plain(spec.get("ingress") or []),
             "egress": _plain(spec.get("egress") or []),
             "host": spec.get("hostNetwork", False),
             "ports": [[port["name"], port["containerPort"], port["protocol"]]
                       for container in spec.get("containers", ())
                       for port in container.get("ports", ())]}
    if item["kind"] in ("Pod", "NetworkPolicy"):
        words["uid"] = meta["uid"] if item["kind"] == "Pod" else ""
    return " ".join((item["kind"], meta.get("namespace", ""), meta["name"],
                     json.dumps(words, sort_keys=True)))


def _plain(value):
    """Labels of selectors as what they are short for."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _plain(item) for name, item in value.items() if name != "matchLabels"}
    terms = [{"key": key, "operator": "In", "values": [label]}
             for key, label in value.get("matchLabels", {}).items()]
    return plain | ({"matchExpressions": plain.get("matchExpressions", []) + terms}
                    if terms else {})


@contextlib.contextmanager
def fed_node(plain=False, host="127.0.0.1", **settings):
    """A node and its server, which has such settings."""
    with Node() as node, Fed(node, plain, host=host) as fed:
        for name, value in settings.items():
            if not hasattr(fed.server, name):
                raise netns.CommandError(f"a fake server has no setting {name}")
            setattr(fed.server, name, value)
        yield fed
