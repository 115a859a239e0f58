#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake API server answers lists and watches as a real one does.

Other tests draw conclusions from what it answers; here a plain client asks it.
"""

import http.client
import json
import ssl
import tempfile

import authority
import fake_api
import fake_faults
import manifests
import netns
import tap

PODS, NAMESPACES = "/api/v1/pods", "/api/v1/namespaces"
CLUSTER_POLICIES = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies"
METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


class Client:
    """One connection, one question after another."""

    def __init__(self, server, context=None, timeout=10):
        self.http = http.client.HTTPSConnection(server.host, server.port, timeout=timeout,
                                                context=context) \
            if context else http.client.HTTPConnection(server.host, server.port,
                                                       timeout=timeout)

    def ask(self, path, **headers):
        self.http.request("GET", path, headers={"User-Agent": "test", **{
            name.replace("_", "-"): value for name, value in headers.items()}})
        return self.http.getresponse()

    def get(self, path, **headers):
        """(status, body)"""
        answer = self.ask(path, **headers)
        return answer.status, json.loads(answer.read())

    def watch(self, path, **headers):
        """Its events, one after another."""
        answer = self.ask(path, **headers)
        if answer.status != 200:
            raise netns.CommandError(f"{path}: {answer.status} {answer.read()}")
        for line in answer:
            yield json.loads(line)


def ask(server, path, **headers):
    client = Client(server)
    try:
        return client.get(path, **headers)
    finally:
        client.http.close()


def pod(name, node="a", phase="Running", **labels):
    made = manifests.pod(name, "shop", node, [f"10.0.0.{len(name)}"], labels)
    made["status"]["phase"] = phase
    return made


def names(items):
    return [item["metadata"]["name"] for item in items]


def words(event):
    """What an event says, in short."""
    item = event["object"]
    if item.get("kind") == "Status":
        return event["type"], item["code"], item["reason"]
    meta = item["metadata"]
    return event["type"], meta.get("name", ""), int(meta["resourceVersion"])


def filled():
    """A server with five pods, as of 1001 … 1005, and a namespace."""
    server = fake_api.Server()
    for number in range(5):
        server.store.put(pod(f"p{number}", node="ab"[number % 2]))
    server.store.put(manifests.namespace("shop"))
    return server


# ---- lists ------------------------------------------------------------------------

# (what is true, path and query, status, what the body says)
LISTS = [
    ("a list has all objects and a version", PODS, 200, "p0 p1 p2 p3 p4 at 1006"),
    ("version 0 takes no limit", f"{PODS}?resourceVersion=0&limit=2", 200,
     "p0 p1 p2 p3 p4 at 1006"),
    ("a list is not older than a version without a limit", f"{PODS}?resourceVersion=1002", 200,
     "p0 p1 p2 p3 p4 at 1006"),
    ("a list with a limit is exactly of a version", f"{PODS}?resourceVersion=1002&limit=9", 200,
     "p0 p1 at 1002"),
    ("NotOlderThan is what it says", f"{PODS}?resourceVersion=1002&limit=9&"
     "resourceVersionMatch=NotOlderThan", 200, "p0 p1 p2 p3 p4 at 1006"),
    ("Exact is what it says", f"{PODS}?resourceVersion=1003&resourceVersionMatch=Exact", 200,
     "p0 p1 p2 at 1003"),
    ("a match without a version is forbidden", f"{PODS}?resourceVersionMatch=Exact", 422,
     "Invalid"),
    ("version 0 is never exact", f"{PODS}?resourceVersion=0&resourceVersionMatch=Exact", 422,
     "Invalid"),
    ("pages and a version do not go together", f"{PODS}?resourceVersion=1002&continue=x", 400,
     "BadRequest"),
    ("pages and a match do not go together", f"{PODS}?continue=x&resourceVersionMatch=Exact",
     422, "Invalid"),
    ("a version that is to come is too large", f"{PODS}?resourceVersion=9999", 504, "Timeout"),
    ("what is no version is refused", f"{PODS}?resourceVersion=x", 400, "BadRequest"),
    ("a field selector selects", f"{PODS}?fieldSelector=spec.nodeName%3Da", 200,
     "p0 p2 p4 at 1006"),
    ("its terms are all to be true", f"{PODS}?fieldSelector=spec.nodeName!%3Da,"
     "metadata.name!%3Dp1", 200, "p3 at 1006"),
    ("an unknown field is refused", f"{PODS}?fieldSelector=spec.colour%3Dred", 400,
     "BadRequest"),
    ("nobody may get an object", f"{NAMESPACES}/shop", 403, "Forbidden"),
]


def said(status, body):
    if status != 200:
        return body["reason"]
    return f"{' '.join(names(body['items']))} at {body['metadata']['resourceVersion']}"


def check_lists(tap_):
    with filled() as server:
        for name, path, status, body in LISTS:
            got = ask(server, path)
            tap_.equal(name, (status, body), (got[0], said(*got)))
        tap_.true("too large says its cause, and when to come again (API-14)",
                  "ResourceVersionTooLarge" in str(
                      body := ask(server, f"{PODS}?resourceVersion=9999")[1])
                  and body["details"]["retryAfterSeconds"] == 1, "cause and 1 s", body)
        tap_.equal("a version nobody was told of, and a get, are complained about",
                   (True, True), (any("9999" in line for line in server.complaints),
                                  any("API-1)" in line for line in server.complaints)))


def check_pages(tap_):
    with filled() as server:
        status, first = ask(server, f"{PODS}?limit=2")
        token = first["metadata"]["continue"]
        tap_.equal("a page has as many as the limit", (200, "p0 p1 at 1006", 3),
                   (status, said(200, first), first["metadata"]["remainingItemCount"]))
        server.store.delete("Pod", "p2", "shop")
        status, second = ask(server, f"{PODS}?limit=2&continue={token}")
        tap_.equal("the next page is of the same version", (200, "p2 p3 at 1006"),
                   (status, said(status, second)))
        server.store.compact()
        status, body = ask(server, f"{PODS}?limit=2&continue={second['metadata']['continue']}")
        tap_.equal("a token expires", (410, "Expired"), (status, body["reason"]))
        rest = body["metadata"]["continue"]
        tap_.equal("nothing is complained about", [], server.complaints)
        ask(server, f"{PODS}?limit=2&continue={rest}")
        ask(server, f"{PODS}?limit=3&continue={token}")
        tap_.equal("the rest of an expired list is, and another limit", ["API-11", "API-10"],
                   [line[-7:-1] for line in server.complaints])


def check_forms(tap_):
    with filled() as server:
        _, body = ask(server, NAMESPACES, Accept=METADATA.format("List"))
        tap_.equal("metadata is all there is of PartialObjectMetadata",
                   ("PartialObjectMetadataList", {"kind", "apiVersion", "metadata"}),
                   (body["kind"], set(body["items"][0])))
        _, body = ask(server, NAMESPACES)
        tap_.equal("items of a list do not say what they are", ("NamespaceList", False),
                   (body["kind"], "kind" in body["items"][0]))
        tap_.equal("another form is not acceptable", 406,
                   ask(server, NAMESPACES, Accept="application/yaml")[0])
        server.metadata_only = False
        tap_.equal("without it that is not acceptable, but with a choice it is", [406, 200],
                   [ask(server, NAMESPACES, Accept=METADATA.format("List") + more)[0]
                    for more in ("", ",application/json")])
        server.serves_cluster_policies = False
        client = Client(server)
        answer = client.ask(CLUSTER_POLICIES)
        tap_.equal("what is not served is not found", (404, b"404 page not found\n"),
                   (answer.status, answer.read()))
        for number in range(500):
            server.store.put(pod(f"many{number}", text="x" * 60))
        sizes = [len(client.ask(PODS, Accept_Encoding=coding).read())
                 for coding in ("identity", "gzip")]
        tap_.true("a long list is compressed for who can expand it", sizes[1] < sizes[0] / 4,
                  "a quarter at most", sizes)
        tap_.equal("people get pretty text", True, client.ask(
            NAMESPACES, User_Agent="curl/8").read().startswith(b'{\n  "kind"'))
        client.http.close()


# ---- watches ----------------------------------------------------------------------


def check_watches(tap_):
    with filled() as server:
        server.watch_s = 0.3
        running = "&fieldSelector=status.phase!%3DFailed"
        server.store.put(pod("p0", phase="Failed"))
        server.store.put(pod("p0"))
        server.store.delete("Pod", "p1", "shop")
        watch = f"{PODS}?watch=1&allowWatchBookmarks=true"
        tap_.equal("a watch goes on behind a version, and ends with a bookmark",
                   [("ADDED", "p4", 1005), ("MODIFIED", "p0", 1007), ("MODIFIED", "p0", 1008),
                    ("DELETED", "p1", 1009), ("BOOKMARK", "", 1009)],
                   list(map(words, Client(server).watch(f"{watch}&resourceVersion=1004"))))
        last = list(Client(server).watch(f"{watch}&resourceVersion=1006{running}"))
        tap_.equal("what no longer matches is deleted, as it was last (API-24)",
                   [("DELETED", "p0", 1007), ("ADDED", "p0", 1008), ("DELETED", "p1", 1009)],
                   list(map(words, last[:3])))
        tap_.equal("as it was last, it still matched", "Running",
                   last[0]["object"]["status"]["phase"])
        tap_.equal("without bookmarks there is none", [("DELETED", "p1", 1009)], list(map(
            words, Client(server).watch(f"{PODS}?watch=1&resourceVersion=1008"))))
        tap_.equal("without a version there is what there is first",
                   ["p0", "p2", "p3", "p4"], names(event["object"] for event in Client(
                       server).watch(f"{PODS}?watch=1")))
        server.watch_s, server.bookmark_s = None, 0.05
        events = map(words, Client(server).watch(f"{watch}&resourceVersion=1009"))
        tap_.equal("bookmarks come by and by", ("BOOKMARK", "", 1009), next(events))
        server.store.pass_time(5)
        tap_.true("a bookmark has a version of whatever resource", any(
            event[2] == 1014 for event in events), 1014, "none")
        check_gone(tap_, server)


def check_gone(tap_, server):
    server.store.compact()
    watch = f"{PODS}?watch=1&resourceVersion=1006"
    tap_.equal("what is gone is said in an event", [("ERROR", 410, "Expired")],
               list(map(words, Client(server).watch(watch))))
    server.gone_as = "status"
    tap_.equal("or as a status", (410, "Expired"),
               (lambda status, body: (status, body["reason"]))(*ask(server, watch)))


def check_streaming(tap_):
    with filled() as server:
        server.watch_s = 0.2
        watch = f"{NAMESPACES}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true"
        whole = f"{watch}&resourceVersionMatch=NotOlderThan&resourceVersion="
        events = list(Client(server).watch(whole))
        tap_.equal("a streaming list has an end (API-30)",
                   [("ADDED", "shop", 1006), ("BOOKMARK", "", 1006), ("BOOKMARK", "", 1006)],
                   list(map(words, events)))
        tap_.equal("the end is marked, and nothing else", [None, {
            "k8s.io/initial-events-end": "true"}, None],
            [event["object"]["metadata"].get("annotations") for event in events])
        tap_.equal("it has to be NotOlderThan", 422, ask(server, watch)[0])
        tap_.equal("and that is for streaming lists alone", 422, ask(
            server, f"{NAMESPACES}?watch=1&resourceVersionMatch=NotOlderThan&"
            "resourceVersion=1")[0])
        server.watch_list = "off"
        status, body = ask(server, whole)
        tap_.true("where the feature is off it is refused (API-31)",
                  status == 422 and "WatchList feature gate" in body["message"], 422, body)
        server.watch_list = "old"
        tap_.true("an old server knows nothing of an end", not any(
            event["object"]["metadata"].get("annotations")
            for event in Client(server).watch(whole)), "no annotation", "one")


# ---- who asks, and faults ---------------------------------------------------------


def check_who(tap_):
    with filled() as server:
        server.tokens = {"right"}
        tap_.equal("who has no right token is not known", [401, 401, 200],
                   [ask(server, PODS, **headers)[0] for headers in (
                       {}, {"Authorization": "Bearer wrong"},
                       {"Authorization": "Bearer right"})])
        server.tokens = None
        server.forbidden = {("watch", "pods")}
        status, body = ask(server, f"{PODS}?watch=1&resourceVersion=1006")
        tap_.true("what RBAC forbids says verb and resource", status == 403 and
                  'cannot watch resource "pods" in API group ""' in body["message"], 403, body)
        tap_.equal("other verbs are not", 200, ask(server, PODS)[0])
        server.prefix = "/proxied"
        tap_.equal("a prefix belongs to each path", [404, 200],
                   [Client(server).ask(path).status for path in (PODS, "/proxied" + PODS)])


def check_tls(tap_):
    with tempfile.TemporaryDirectory() as folder:
        ours, foreign = authority.Authority(folder), authority.Authority(folder, "foreign CA")
        chain = ours.client("netpold", "system:nodes")
        context = ssl.create_default_context(cafile=ours.file)
        with fake_api.Server(tls=ours.server("IP:127.0.0.1"), client_ca=ours.file) as server:
            server.tokens = set()
            tap_.equal("TLS with a token that nobody has", 401,
                       Client(server, context).get(PODS)[0])
            context.load_cert_chain(*chain)
            tap_.equal("TLS with a certificate of a client's", (200, "netpold"),
                       (Client(server, context).get(PODS)[0], server.requests[-1].user))
            for what, pair in (("another name", ours.server("DNS:elsewhere")),
                               ("a foreign CA", foreign.server("IP:127.0.0.1")),
                               ("a certificate of yesterday",
                                ours.server("IP:127.0.0.1", days=-1))):
                server.set_tls(*pair)
                try:
                    Client(server, context).get(PODS)
                    tap_.true(f"{what} is found out", False, "an error", "an answer")
                except ssl.SSLCertVerificationError as error:
                    tap_.true(f"{what} is found out", True, "an error", error)


def outcome(server, path):
    """What a client meets: a status, words of events, or the name of an error."""
    client = Client(server, timeout=3)
    try:
        if "watch=1" in path:
            return list(map(words, client.watch(path)))
        return client.get(path)[0]
    except (OSError, ValueError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        client.http.close()


P4 = ("ADDED", "p4", 1005)
WATCH = f"{PODS}?watch=1&resourceVersion=1004"
FAULTS = [
    ("another answer", fake_faults.Say(503, b"busy", "text/plain"), PODS, "JSONDecodeError"),
    ("a status", fake_faults.SayStatus(500, "no"), PODS, 500),
    ("a hang-up", fake_faults.HangUp(), PODS, "RemoteDisconnected"),
    ("a reset", fake_faults.HangUp(reset=True), PODS, "ConnectionResetError"),
    ("half a list", fake_faults.CutList(), PODS, "IncompleteRead"),
    ("a slow list", fake_faults.SlowList(500), PODS, 200),
    ("garbage", fake_faults.Send(b"}garbage{\n"), PODS, "JSONDecodeError"),
    ("garbage in a watch", fake_faults.Send(b"}garbage{\n"), WATCH, "JSONDecodeError"),
    ("half an event", fake_faults.CutEvent(), WATCH, "JSONDecodeError"),
    ("slow events", fake_faults.SlowEvents(), WATCH, [P4]),
    ("events twice", fake_faults.Twice(), WATCH, [P4, P4]),
    ("the history again", fake_faults.Again(1003), WATCH, [("ADDED", "p3", 1004), P4]),
    ("events of other types", fake_faults.Mistaken(), WATCH, [("MODIFIED", "p4", 1005)]),
    ("an error", fake_faults.ErrorEvent(500, "no"), WATCH, [("ERROR", 500, "InternalError")]),
    ("an end at once", fake_faults.EndAtOnce(), WATCH, []),
]


def check_faults(tap_):
    for what, fault, path, expected in FAULTS:
        with filled() as server:
            server.watch_s = 0.1
            server.faults.add("pods", None, fault)
            got = outcome(server, path)
            tap_.equal(f"{what} is what the client meets", expected, got)
            again = outcome(server, path)
            tap_.equal(f"{what} is over at the next request",
                       [P4] if path == WATCH else 200, again)


def test(tap_):
    for check in (check_lists, check_pages, check_forms, check_watches, check_streaming,
                  check_who, check_tls, check_faults):
        check(tap_)


if __name__ == "__main__":
    tap.main(test)
