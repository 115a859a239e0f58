#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever an API server does wrong, netpold finds the thread again (L29).

Each case is a node of its own with a netpold and a server that misbehaves (see
fake_node.py), and what is edited there in the meantime. In the end

  - netpold believes what the server holds, object by object;
  - it has asked for what it needed and no more often, and no sooner after a
    failure than it may (API-50);
  - what was in force stayed so: no half of a list ever was (L30, API-28);
  - its memory is what it was.

What is asked of the resource that the case is about is written down as

    S  a streaming list        ~  a pause, as after a failure: 0.8 s at least
    L  a list, or its next page
    W  a watch

so that "S L W ~ W" is: streaming was tried, then came a list and a watch, which
failed, and the next one was the last.
"""

import dataclasses
import re
import signal
import time
import zlib

import daemon
import fake_faults as faults
import fake_node
import fake_store
import manifests
import scenario
import side
import tap
import vitals

PAUSE_S = 0.65  # that the server sees of 0.8 s, for it takes a while to see an end
SHORT_S = 1.1   # a watch that ends sooner has failed (API-27), and none but one is to fail
MEMORY_KIB = 40 * 1024  # one item is 8 MiB at most, in a buffer that doubles (API-46)

SPACES = "namespaces"
PODS = "pods"
POLICIES = "networkpolicies"
NO_KIND = {"metadata": {"name": "odd", "namespace": "shop"}, "spec": "?"}
BAD_POLICY = manifests.policy("odd", "shop", {}) | {"spec": {"podSelector": 7}}
NO_TROUBLE = r"(?s)\A(?!.* failed: )"  # of the log
ELSEWHERE = [("Location", "https://127.0.0.1:1/elsewhere")]


PACKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" \
         b"Content-Encoding: gzip\r\n\r\n"


def bomb():
    """Half a megabyte that are 128."""
    packer = zlib.compressobj(1, wbits=31)
    start = b'{"kind":"PodList","items":[{"metadata":{"name":"'
    return b"".join([packer.compress(start), *(packer.compress(faults.BLOCK)
                                               for _ in range(128 << 4)), packer.flush()])


@dataclasses.dataclass
class Case:
    """@name  what the server does wrong; the checks say what netpold does"""
    name: str
    verb: str = ""       # of the request that meets the fault
    fault: object = None
    asks: str = ""       # of the resource
    resource: str = PODS
    words: str = ""      # in the log, a pattern: of what has failed, where it has to
    when: str = "start"  # "relist": it is met by a list that has to be made anew;
                         # "relist alone": the same, and nothing else is listed
                         # "end": watches end once more, as they do some day
                         # "quiet": while nothing happens that would take time
    times: int = 1        # that it is met
    settings: dict = dataclasses.field(default_factory=dict)  # of the server

    def __post_init__(self):
        self.settings = {"watch_list": "off", **self.settings}
        if "~" not in self.asks:
            return
        if not self.words:
            raise ValueError(f"{self.name}: netpold has to pause and to say why")
        doing = "watching" if self.verb == "watch" else "listing"
        self.words = rf"{self.resource} of \S+: {doing} failed: .*{self.words}"


def watch(name, fault, asks="S L W ~ W", words="", **more):
    return Case(name, "watch", fault, asks, words=words, **more)


def relist(name, fault, asks="S L W L ~ L W", words="", **more):
    return Case(name, "list", fault, asks, words=words, when="relist", **more)


def stream(name, fault, asks="S ~ S", words="", **more):
    return Case(name, "stream", fault, asks, words=words,
                **{"settings": {"watch_list": "on"}, **more})


def status(code, reason="", headers=(), **more):
    return faults.SayStatus(code, "so it is", reason=reason, headers=headers, **more)


# The first three are refused by no means of HTTP; a 422 to a streaming list is not a
# fault, but how a server says that it has none (API-31).
CASES = [
    Case("nothing", asks="S L W"),
    Case("nothing, and it streams lists", asks="S", settings={"watch_list": "on"}),
    Case("nothing, and its watches end", asks="S L W W", when="end"),
    Case("it is of a time before streaming lists", asks="S L W", settings={
        "watch_list": "old", "bookmark_s": 0.1}),
    Case("it has no form of metadata alone", asks="S L W", resource=SPACES, settings={
        "metadata_only": False}),

    watch("a watch is cut in the middle of an event", faults.CutEvent(),
          words="breaks off"),
    watch("a watch brings garbage", faults.Send(b"}garbage{\n"),
          words="this is no event of a watch"),
    watch("a watch brings a line without an end", faults.Endless(),
          words="a single object is longer than 8 MiB"),
    watch("a watch is of another content type", faults.Say(200, b"<html>\n", "text/html"),
          words="expected an answer of type application/json, found 'text/html'"),
    watch("a watch is empty", faults.Say(200), "S L W W ~ W", when="quiet",
          words="over at once, and brought nothing"),
    watch("a watch ends at once", faults.EndAtOnce(), "S L W W ~ W", when="quiet",
          words="over at once, and brought nothing"),
    # Connections may end between two requests: whoever comes over one that was kept is
    # sent at once over another that was, or over a new one.
    Case("a list is hung up on over a kept connection", "list", faults.HangUp(), "S L L W",
         words=NO_TROUBLE),
    watch("a watch is hung up on", faults.HangUp(), "S L W W", words=NO_TROUBLE),
    watch("a watch is hung up on, and again", faults.HangUp(), "S L W W W", times=2),
    watch("a watch is reset, and again", faults.HangUp(reset=True), "S L W W W", times=2),
    watch("a watch is redirected", faults.Say(302, headers=ELSEWHERE), words="redirect"),
    watch("a watch comes in drips", faults.SlowEvents(), "S L W"),
    watch("events come twice", faults.Twice(), "S L W"),
    watch("versions go back, and all of the history comes again",
          faults.Again(fake_store.FIRST_VERSION), "S L W"),
    watch("what is known is added, what is unknown is changed (API-25)", faults.Mistaken(),
          "S L W"),
    watch("an object's end comes after the one in its place (API-25)", faults.Crossed("old"),
          "S L W"),
    watch("there are events of unknown types, and ends of what never was (API-21)",
          faults.Strangers(), "S L W"),
    watch("an event brings a policy that cannot be read", faults.BadEvent(BAD_POLICY), "S L W",
          resource=POLICIES, words="odd"),
    watch("an event brings what is no pod at all", faults.BadEvent(NO_KIND), "S L W"),
    watch("the history is gone, says an event (API-26)",
          faults.ErrorEvent(410, "too old resource version: 1 (2)"), "S L W L W"),
    watch("the history is gone, says a status (API-26)", status(410, "Expired"), "S L W L W"),
    watch("a watch fails by an event of an error (API-26)",
          faults.ErrorEvent(500, "etcd is away"), words="etcd is away"),
    watch("a watch's version is too large (API-14)", faults.ErrorEvent(
        504, "Too large resource version", details={
            "causes": [{"reason": "ResourceVersionTooLarge"}]}),
          words="Too large resource version"),
    watch("there are too many requests (429)", faults.Say(429, b"slow down\n", "text/plain",
                                                          [("Retry-After", "1")]),
          words="slow down"),
    watch("a server is in trouble (500)", status(500),
          words="500 InternalError: so it is"),
    watch("a server shuts down (503)", status(503, headers=[("Connection", "close")]),
          words="503 ServiceUnavailable: so it is"),
    watch("a gateway has waited too long (504)", faults.Say(504, b"<html>", "text/html"),
          words="504: <html>"),
    watch("a token is refused once, and is still the same (401)", status(401),
          words="401 Unauthorized: so it is"),

    relist("a list is cut", faults.CutList(), words="breaks off"),
    relist("a list is garbage", faults.Send(b'{"kind":"PodList","items":[}\n'),
           words="this is no list of Kubernetes objects"),
    relist("a list has no end", faults.Endless(), words="a single object is longer than 8 MiB"),
    relist("a list is of another content type", faults.Send(b"<html>\n", "text/html"),
           words="expected an answer of type application/json, found 'text/html'"),
    relist("a list is an empty answer (200)", faults.Send(b""), words="the answer is empty"),
    relist("a list is an empty object", faults.Send(b"{}\n"),
           words="this is no list of Kubernetes objects"),
    relist("a list is a Status of success", faults.Send(
        b'{"kind":"Status","apiVersion":"v1","status":"Success"}\n'),
           words="a list was expected, not a Status"),
    relist("a list is of another kind", faults.Send(
        b'{"kind":"SecretList","apiVersion":"v1","metadata":{"resourceVersion":"1"},'
        b'"items":[]}\n'), words="a list was expected, not a SecretList"),
    # Whose watch has failed closes its connection, and the others are in use.
    Case("a list is hung up on", "list", faults.HangUp(), "S L W L ~ L ~ L W", times=2,
         words="no answer comes from", when="relist alone"),
    relist("a list is redirected", faults.Say(301, headers=ELSEWHERE), words="redirect"),
    relist("a list fails (500)", status(500), words="500 InternalError: so it is"),
    relist("a list is no HTTP", faults.Raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
           words="no HTTP comes from"),
    relist("a header has no end", faults.Raw(b"HTTP/1.1 200 OK\r\nX-Long: ", faults.BLOCK),
           words="127.0.0.1:6443: "),
    relist("headers have no end", faults.Raw(b"HTTP/1.1 200 OK\r\n", b"X-Many: x\r\n" * 1000),
           words="was broken off"),
    relist("a chunk has a length that is none", faults.Raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n"), words="chunked-encoding"),
    relist("a list is no gzip, though it says so", faults.Raw(PACKED + b"{}"),
           words="cannot uncompress"),
    relist("a list is a bomb of gzip", faults.Raw(PACKED + bomb()),
           words="a single object is longer than 8 MiB"),
    relist("there are too many requests, and nobody knows for how long", faults.Say(
        429, b"", headers=[("Retry-After", "some time")]), words="429: "),
    relist("a list comes in drips", faults.SlowList(), "S L W L W"),
    relist("a list is of a time long ago", faults.OldList(fake_store.FIRST_VERSION + 6),
           "S L W L W"),
    relist("a list holds a policy that cannot be read", faults.BadItem(BAD_POLICY), "S L W L W",
           words="odd", resource=POLICIES),
    relist("namespaces cannot be listed", status(502), resource=SPACES, words="502: so it is"),
    relist("policies cannot be listed", status(503), resource=POLICIES,
           words="503 ServiceUnavailable: so it is"),

    stream("a streaming list is cut before its end (API-32)", faults.CutInitial(),
           words="breaks off"),
    stream("a streaming list brings garbage", faults.Send(b"]\n"),
           words="this is no event of a watch"),
    stream("a streaming list ends in an error", faults.ErrorEvent(500, "etcd is away"),
           words="500 InternalError: etcd is away"),
    stream("streaming lists are refused (400)", status(400), "S L W"),
    stream("a streaming list never says that it is whole (API-31)", faults.NoInitialEnd(),
           "S L W", settings={"watch_list": "on", "bookmark_s": 0.1}),
]


# ---- the world of each case -------------------------------------------------------


def pod(name, address, uid=None, **labels):
    made = manifests.pod(name, "shop", fake_node.NODE, [address], labels, scenario.HTTP)
    made["metadata"]["uid"] = uid or f"uid-{name}"
    return made


def before():
    """Two policies and three pods; and a pod that is over (L31), and another node."""
    over = pod("over", "10.66.0.14")
    over["status"]["phase"] = "Succeeded"
    return [manifests.namespace("shop", team="shop"), manifests.namespace("guests"),
            manifests.node(fake_node.NODE, ["10.66.0.0/24"]),
            manifests.node("node-b", ["10.66.1.0/24"]),
            pod("web", "10.66.0.11", app="web"), pod("client", "10.66.0.12", app="client"),
            pod("old", "10.66.0.13"), over,
            scenario.allow_clients(*scenario.WEB_PORTS),
            manifests.policy("old", "shop", {"app": "old"}, ingress=[])]


def edit(store):
    """Three policies and four pods afterwards; "old" is another pod by then."""
    store.put(manifests.namespace("guests", team="guests"))
    store.delete("Pod", "old", "shop")
    store.put(pod("old", "10.66.0.23", uid="uid-of-another"))
    store.put(pod("client", "10.66.0.12", app="client", tier="front"))
    store.put(pod("new", "10.66.0.13", app="new"))
    over = pod("web-2", "10.66.0.15")
    store.put(over)
    over["status"]["phase"] = "Failed"
    store.put(over)
    store.delete("NetworkPolicy", "old", "shop")
    store.put(manifests.policy("new", "shop", {"app": "new"}, ingress=[]))
    store.put(manifests.policy("newer", "shop", {"tier": "front"}, ingress=[]))
    store.delete("Namespace", "guests")


def wait_counts(netpold, policies, pods):
    """Until so much is in force; returns what else was, on the way."""
    way = []

    def find(line, _at):
        match = daemon.IN_FORCE.search(line)
        if not match:
            return None
        found = int(match["policies"]), int(match["pods"])
        if found == (policies, pods):
            return True
        if found not in way:
            way.append(found)
        return None
    # what the log was asked for is true, which wait() takes for an end
    netpold.log.wait(lambda line, at: "there" if find(line, at) else None)
    return way


def asked_words(server, resource):
    """What a netpold has asked for, as above."""
    text, last = [], None
    for request in server.asked(resource):
        failed = last is not None and request.at - last >= PAUSE_S
        if failed and text:
            text.append("~")
        text.append(request.verb[0].upper())
        last = request.ended or request.at
    return " ".join(text)


def check_requests(notes, case, server):
    """The pauses that a case expects are there, and no others have to be."""
    asked = asked_words(server, case.resource)
    # On a slow machine there are other pauses, too.
    pattern = case.asks.replace(" ", " (?:~ )?")
    notes.true(f"it asks for {case.asks}", re.fullmatch(pattern, asked), case.asks, asked)
    rest = {resource: len(requests) for resource in (SPACES, PODS, POLICIES, "nodes")
            if resource != case.resource and len(requests := server.asked(resource)) > 6}
    notes.equal("it asks for nothing else more often than it needs", {}, rest)
    notes.equal("it asks for no version that it was not told (API-13), and as it should", [],
                server.complaints)


TROUBLES = {
    "relist": lambda server, case: server.lose_history(),
    "relist alone": lambda server, case: server.lose_history([case.resource]),
    "quiet": lambda server, case: server.end_watches(),
}


def trouble(notes, case, server, netpold):
    """From the first sync to the last edit; returns all that was in force in between."""
    if case.when in TROUBLES:
        server.wait_settled()
        if case.when == "quiet":
            time.sleep(SHORT_S)
        server.faults.add(case.resource, case.verb, case.fault, case.times)
        TROUBLES[case.when](server, case)
        if case.when == "quiet":
            netpold.log.wait(lambda line, _: re.search(case.words, line))
    edit(server.store)
    way = wait_counts(netpold, 3, 4)
    if case.when == "end":
        server.end_watches()
    notes.true("every resource is watched again", server.wait_settled(), "all five",
               netpold.log.text())
    server.store.put(manifests.policy("last", "shop", {"app": "new"}, ingress=[]))
    return way + wait_counts(netpold, 4, 4)


def check_memory(notes, netpold):
    pid = netpold.process.pid
    if vitals.is_sanitized(pid):
        return
    peak = vitals.peak_kib(pid)
    notes.true("its memory was bounded all the time", peak < MEMORY_KIB, MEMORY_KIB, peak)


def check(notes, case):
    with fake_node.fed_node(**case.settings) as fed:
        fed.put(*before())
        if case.fault and case.when == "start":
            fed.server.faults.add(case.resource, case.verb, case.fault, case.times)
        with fed.netpold() as netpold:
            first = netpold.wait_in_force()
            notes.equal("nothing is in force before everything is there (L30)", (2, 3),
                        (first.policies, first.pods))
            way = trouble(notes, case, fed.server, netpold)
            notes.true("what was in force stays until something newer is (API-28)",
                       all(policies >= 1 and pods >= 2 for policies, pods in way),
                       "1 policy and 2 pods at least", way)
            notes.equal("the status counts what the server holds, and no trouble",
                        fed.server_counts(), fed.wait_counts())
            check_memory(notes, netpold)
            notes.equal("it ends in order", 0, netpold.stop())
            log = netpold.log.text()
        if case.words:
            notes.true("the log says what is wrong", re.search(case.words, log), case.words,
                       log)
        notes.true("it says once at most that lists are not streamed",
                   log.count("does not stream lists") <= 1, "once", log)
        check_requests(notes, case, fed.server)
        notes.equal("it believes what the server holds", fed.server_objects(),
                    fed.warm_objects())
        if case.fault:
            notes.equal("the fault was met", case.times, fed.server.faults.n_taken)


# ---- without an end ---------------------------------------------------------------

STORM_S = 6     # in which three pauses are over at most: 0.8, 1.6 and 3.2 s
ATTEMPTS = 4
STORMS = [  # (what goes on and on, verb, fault, requests of an attempt)
    ("watches are refused", "watch", status(500), 1),
    ("watches are hung up on", "watch", faults.HangUp(), 3),
    ("watches end at once", "watch", faults.EndAtOnce(), 1),
    # Whoever brings something is asked again within a second, and not before.
    ("watches bring one event and end", "watch", faults.OneEvent("MODIFIED", "web"), 2),
    ("watches bring garbage", "watch", faults.Send(b"}garbage{\n"), 1),
    ("watches bring a line without an end", "watch", faults.Endless(), 1),
    ("watches say that the history is gone", "watch",
     faults.ErrorEvent(410, "too old resource version: 1 (2)"), 2),
    ("a token is refused", None, status(401), 2),
    ("lists are refused", "list", status(503), 1),
    ("lists are cut", "list", faults.CutList(), 1),
    ("lists are empty answers", "list", faults.Send(b""), 1),
    ("lists say that the history is gone", "list", status(410), 1),
    ("lists are too large a version", "list", status(504, details={
        "causes": [{"reason": "ResourceVersionTooLarge"}]}), 1),
    ("streaming lists fail (500)", "stream", status(500), 1),
    ("there are too many requests for streaming lists (429)", "stream",
     faults.Say(429, b"slow down\n", "text/plain", [("Retry-After", "1")]), 1),
    ("streaming lists are not allowed (403)", "stream", status(403), 1),
    ("streaming lists say that the history is gone", "stream",
     faults.ErrorEvent(410, "too old resource version: 1 (2)"), 1),
    ("streaming lists are hung up on", "stream", faults.HangUp(), 3),
    ("streaming lists end at once", "stream", faults.EndAtOnce(), 1),
    ("streaming lists bring garbage", "stream", faults.Send(b"]\n"), 1),
    ("streaming lists bring a line without an end", "stream", faults.Endless(), 1),
    ("streaming lists are empty answers", "stream", faults.Say(200), 1),
    ("streaming lists are redirected", "stream", faults.Say(302, headers=ELSEWHERE), 1),
    ("streaming lists are of another content type", "stream",
     faults.Say(200, b"<html>\n", "text/html"), 1),
    ("streaming lists are cut before their end", "stream", faults.CutInitial(), 1),
]


@dataclasses.dataclass
class Storm:
    name: str
    verb: str
    fault: object
    n_requests: int


def check_storm(notes, storm):
    """L29, L33: no fault makes netpold a storm; when it is over, all goes on."""
    with fake_node.fed_node(watch_list="on" if storm.verb == "stream" else "off") as fed:
        server = fed.server
        fed.put(*before())
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            server.wait_settled()
            time.sleep(SHORT_S)
            n_lines = len(netpold.log.lines)
            server.faults.add(PODS, storm.verb, storm.fault, None)
            at = time.monotonic()
            (server.end_watches if storm.verb in ("watch", None) else server.lose_history)()
            time.sleep(STORM_S)
            most, found = ATTEMPTS * storm.n_requests + 1, server.asked(PODS, since=at)
            notes.true(f"it asks {most} times at most", 1 < len(found) <= most, most, [
                (round(request.at - at, 2), request.verb) for request in found[:20]])
            notes.true("it meets the fault more than once", server.faults.n_taken > 1,
                       "more than once", server.faults.n_taken)
            check_memory(notes, netpold)
            lines = netpold.log.text().splitlines()[n_lines:]
            notes.true("it does not fill the log", len(lines) <= 12, "12 lines", lines[:20])
            notes.equal("nothing else is in force", [], [
                line for line in lines if daemon.IN_FORCE.search(line)])
            edit(server.store)
            server.faults.clear()
            netpold.process.send_signal(signal.SIGHUP)
            wait_counts(netpold, 3, 4)
            # Each resource comes by itself: what is in force says nothing of namespaces.
            notes.equal("the status counts what the server holds, and no trouble",
                        fed.server_counts(), fed.wait_counts())
            notes.equal("it ends in order", 0, netpold.stop())
        notes.equal("it believes what the server holds", fed.server_objects(),
                    fed.warm_objects())


def test(tap_):
    fake_node.prepare()
    side.run(tap_, CASES, check, at_once=12)
    side.run(tap_, [Storm(*row) for row in STORMS], check_storm, at_once=len(STORMS))


if __name__ == "__main__":
    tap.main(test)
