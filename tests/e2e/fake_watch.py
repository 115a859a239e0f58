# SPDX-License-Identifier: GPL-2.0-or-later
"""How a fake API server answers a watch, and a streaming list (API-20 … API-31)."""

import time

import fake_call
import fake_list
import fake_store

LOOK_S = 0.1           # a watch sees at least so often whether both ends are still there
INITIAL_END = {"k8s.io/initial-events-end": "true"}
LONGEST_S = 1800       # of a watch that does not say how long
GATE_OFF = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless " \
           "the WatchList feature gate is enabled"


class Stream:
    """The body of a watch: each event on a line of its own."""

    def __init__(self, server, call, resource, form, fault):
        self.server, self.call, self.resource = server, call, resource
        self.form, self.fault = form, fault
        self.bookmarks = call.query.get("allowWatchBookmarks") in ("1", "true")
        self.bookmarked = time.monotonic()
        self.epoch = call.asked.epoch = server.epochs[resource.name]
        self.is_over = False  # a fault may say so

    def event(self, kind, item):
        """Through the fault, which may do with it as it likes."""
        self.call.asked.n_events += 1
        if "resourceVersion" in item.get("metadata", {}):
            self.server.version_of(item)
        self.fault.event(self, {"type": kind, "object": item})

    def item(self, kind, item):
        self.event(kind, fake_list.in_form(self.form, item))

    def bookmark(self, version, annotations=None):
        if not self.bookmarks:
            return
        kind = (self.resource.kind, self.resource.api_version) if self.form == "full" else \
            ("PartialObjectMetadata", "meta.k8s.io/v1")
        meta = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        self.bookmarked = time.monotonic()
        self.event(fake_store.BOOKMARK,
                   {"kind": kind[0], "apiVersion": kind[1], "metadata": meta})

    def initial_end(self, version):
        self.bookmark(version, INITIAL_END)

    def error(self, code, message, **more):
        self.call.stamp_end()
        self.event("ERROR", fake_call.status_body(code, message, **more))

    def send(self, event):
        """As it is."""
        self.call.send(self.call.text(event))


def verb_of(query):
    """What a request is."""
    if query.get("watch") not in ("1", "true"):
        return "list"
    return "stream" if query.get("sendInitialEvents") in ("1", "true") else "watch"


def refusal(server, query):
    """(code, message, reason) of a watch that cannot be (API-30, API-31)."""
    version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    initial = verb_of(query) == "stream"
    if version and not version.isdecimal():
        return 400, f"invalid resource version: {version}", ""
    if server.watch_list == "old":
        return None
    if initial and server.watch_list == "off":
        return 422, GATE_OFF, "Invalid"
    if initial and match != "NotOlderThan":
        return 422, "resourceVersionMatch: Forbidden: sendInitialEvents requires setting " \
                    "resourceVersionMatch to NotOlderThan", "Invalid"
    if match and not initial:
        return 422, "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for " \
                    "watch unless sendInitialEvents is provided", "Invalid"
    return None


def answer(server, call, resource, fault):
    if problem := refusal(server, call.query):
        code, message, reason = problem
        return call.say_status(code, message, reason)
    server.check_version(call.asked)
    form = fake_list.form_of(server, call, "PartialObjectMetadata")
    if not form:
        return call.say_status(406, "only the following media types are accepted: "
                               "application/json, application/json;stream=watch")
    selector = fake_store.FieldSelector(resource, call.query.get("fieldSelector", ""))
    version = call.query.get("resourceVersion", "")
    initial = call.asked.verb == "stream" and server.watch_list == "on"
    if version and not fake_list.wait_version(server, int(version)):
        return fake_list.say_too_large(call, version)
    if not initial and server.gone_as == "status" and _is_gone(server, version):
        return fake_list.say_expired(call, version)
    stream = Stream(server, call, resource, form, fault)
    call.begin_stream()
    fault.begin(stream)
    if not stream.is_over:
        sent = _begin(stream, version, selector, initial)
        if sent is not None:
            _go_on(stream, sent, selector)
    return call.end_stream()


def _is_gone(server, version):
    return version not in ("", "0") and int(version) < server.store.oldest


def _begin(stream, version, selector, initial):
    """What there is when it begins; returns the version that it is as of."""
    version = stream.fault.watch_version(version)
    if not initial and version not in ("", "0"):
        return int(version)
    items, now = stream.server.store.items(stream.resource.name, selector=selector)
    for item in items:
        stream.item(fake_store.ADDED, item)
    if initial:
        stream.fault.initial_end(stream, now)
    return now


def say_gone(stream, version):
    stream.error(410, f"too old resource version: {version} ({stream.server.store.oldest})")


def _go_on(stream, sent, selector):
    """Until its time is over, or its history."""
    server = stream.server
    asked_s = float(stream.call.query.get("timeoutSeconds") or LONGEST_S)
    end = time.monotonic() + min(asked_s, server.watch_s or asked_s)
    epochs, name = server.epochs, stream.resource.name
    while server.is_up and stream.epoch == epochs[name] and time.monotonic() < end:
        try:
            changes, version = server.store.after(sent)
        except fake_store.Expired:
            say_gone(stream, sent)
            return
        for change in changes:
            found = change.resource == name and change.event(selector)
            if found:
                stream.item(*found)
        sent = stream.call.asked.sent = version
        if stream.call.is_gone():
            stream.call.hang_up()
        if time.monotonic() - stream.bookmarked >= server.bookmark_s:
            stream.bookmark(sent)
        server.store.wait(sent, max(0, min(LOOK_S, server.bookmark_s, end - time.monotonic())))
    if stream.epoch == server.lost_epochs[name]:
        say_gone(stream, sent)
    elif server.is_up:
        stream.bookmark(sent)
