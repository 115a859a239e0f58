# SPDX-License-Identifier: GPL-2.0-or-later
"""The objects that a fake API server serves, and everything that became of them.

One counter gives each change its version, whatever the resource. Nothing is
forgotten until compact() is called: a list can be had as of any version since
then, and a watch can begin there. With a selector, an object that stops matching
has been deleted for whoever watches, and one that begins to match was added.
"""

import bisect
import copy
import dataclasses
import threading
import uuid

FIRST_VERSION = 1000  # so that no version is one that a client might make up

ADDED, MODIFIED, DELETED, BOOKMARK = "ADDED", "MODIFIED", "DELETED", "BOOKMARK"


class Expired(Exception):
    """What is asked for is older than the history."""


class Unsupported(Exception):
    """A field that no selector may name; the message says which."""


@dataclasses.dataclass(frozen=True)
class Resource:
    """A kind of objects, and where it is served."""
    name: str
    kind: str
    group: str
    version: str
    fields: tuple = ()  # that a field selector may name, besides metadata
    is_custom: bool = False  # by a CustomResourceDefinition

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self):
        return f"/{'apis' if self.group else 'api'}/{self.api_version}/{self.name}"


RESOURCES = {resource.name: resource for resource in (
    Resource("pods", "Pod", "", "v1",
             ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
              "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP",
              "status.podIPs", "status.nominatedNodeName")),
    Resource("namespaces", "Namespace", "", "v1", ("status.phase",)),
    Resource("networkpolicies", "NetworkPolicy", "networking.k8s.io", "v1"),
    Resource("nodes", "Node", "", "v1", ("spec.unschedulable",)),
    Resource("clusternetworkpolicies", "ClusterNetworkPolicy", "policy.networking.k8s.io",
             "v1alpha2", is_custom=True),
)}
OF_KIND = {resource.kind: resource for resource in RESOURCES.values()}


def key_of(item):
    """(namespace, name): no two objects of a resource share it."""
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


class FieldSelector:
    """"status.phase!=Failed,spec.nodeName=a" (API-42)."""

    def __init__(self, resource, text):
        self.terms = []
        for term in filter(None, text.split(",")):
            for sign in ("!=", "==", "="):
                field, found, value = term.partition(sign)
                if found:
                    break
            known = ("metadata.name", "metadata.namespace", *resource.fields)
            if not found or field not in known:
                raise Unsupported(f"field label not supported: {field}")
            self.terms.append((field, sign != "!=", value))

    def matches(self, item):
        return all((str(_field(item, field)) == value) == equal
                   for field, equal, value in self.terms)


def _field(item, path):
    for word in path.split("."):
        item = item.get(word, "") if isinstance(item, dict) else ""
    return item


@dataclasses.dataclass(frozen=True)
class Change:
    version: int
    resource: str
    key: tuple
    new: dict  # None: it is deleted
    old: dict  # None: it was not there

    def event(self, selector):
        """What it is for a watch: (type, object), or None (API-24)."""
        was = self.old is not None and selector.matches(self.old)
        is_now = self.new is not None and selector.matches(self.new)
        if is_now:
            return (MODIFIED if was else ADDED), self.new
        if not was:
            return None
        last = copy.deepcopy(self.old)
        last["metadata"]["resourceVersion"] = str(self.version)
        return DELETED, last


class Store:
    """Threads: any. Objects that it gives away are not to be changed."""

    def __init__(self):
        self.changed = threading.Condition()
        self.changes = []  # by version
        self.now = {name: {} for name in RESOURCES}  # the objects by key
        self.version = self.oldest = FIRST_VERSION

    # ---- what tests do ----

    def put(self, item):
        """Create an object, or replace it; returns its version. It gets what a server
        gives an object: a UID, unless it says one, and a version."""
        item, resource = copy.deepcopy(item), OF_KIND[item["kind"]]
        with self.changed:
            old = self.now[resource.name].get(key_of(item))
            meta = item["metadata"]
            meta.setdefault("creationTimestamp", "2024-01-01T00:00:00Z")
            meta.setdefault("uid", old["metadata"]["uid"] if old else str(uuid.uuid4()))
            meta.setdefault("managedFields", [
                {"manager": "fake", "operation": "Update", "fieldsType": "FieldsV1",
                 "fieldsV1": {"f:metadata": {"f:labels": {}}, "f:spec": {"f:x\"}]": {}}}}])
            if resource.name == "networkpolicies" and "generation" not in meta:
                same = old is not None and old["spec"] == item["spec"]
                meta["generation"] = 1 if old is None else \
                    old["metadata"]["generation"] + (not same)
            self.version += 1
            meta["resourceVersion"] = str(self.version)
            self._add(Change(self.version, resource.name, key_of(item), item, old))
            return self.version

    def delete(self, kind, name, namespace=""):
        """Returns the version of its deletion."""
        resource = OF_KIND[kind].name
        with self.changed:
            old = self.now[resource][namespace, name]
            self.version += 1
            self._add(Change(self.version, resource, (namespace, name), None, old))
            return self.version

    def pass_time(self, n_versions=1):
        """Versions that other resources have taken."""
        with self.changed:
            self.version += n_versions
            self.changed.notify_all()

    def compact(self):
        """Forget the history: neither a list nor a watch can begin before now."""
        with self.changed:
            self.oldest = self.version
            self.changed.notify_all()

    def wake(self):
        with self.changed:
            self.changed.notify_all()

    # ---- what a server does ----

    def items(self, resource, version=None, selector=None):
        """(objects by key, version); as of now, unless a version is said."""
        with self.changed:
            if version is None:
                version, found = self.version, dict(self.now[resource])
            else:
                found = self._then(resource, version)
        return [item for _, item in sorted(found.items())
                if selector is None or selector.matches(item)], version

    def after(self, version):
        """The changes behind a version, of all resources, and the version as of which
        they are all there are."""
        with self.changed:
            if version < self.oldest:
                raise Expired
            start = bisect.bisect_right(self.changes, version, key=lambda it: it.version)
            return self.changes[start:], self.version

    def wait(self, version, timeout):
        """Until something is newer than @version, or somebody calls wake()."""
        with self.changed:
            if self.version <= version:
                self.changed.wait(timeout)

    # ---- its own ----

    def _add(self, change):
        self.changes.append(change)
        if change.new is None:
            del self.now[change.resource][change.key]
        else:
            self.now[change.resource][change.key] = change.new
        self.changed.notify_all()

    def _then(self, resource, version):
        if version < self.oldest:
            raise Expired
        found = {}
        for change in self.changes:
            if change.version > version:
                break
            if change.resource == resource:
                found[change.key] = change.new
        return {key: item for key, item in found.items() if item is not None}
