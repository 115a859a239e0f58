#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""How netpold finds its API server, proves who it is, and what it asks for.

Each case is a node of its own with a netpold and a fake server (see fake_node.py).
"""

import base64
import contextlib
import dataclasses
import re
import signal
import time
import typing

import daemon
import fake_faults
import fake_node
import fake_proxy
import kubeconfig
import manifests
import observer
import side
import tap

ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
METADATA = "application/json;as=PartialObjectMetadata"
NOWHERE = "https://127.0.0.1:1"
RESOURCES = ("pods", "namespaces", "networkpolicies", "nodes", "clusternetworkpolicies")
NOTHING_SAID = ("--iptables", "nft")  # of where objects come from
AT_ONCE_S = 0.7  # less than any pause after a failure (API-50)


@dataclasses.dataclass
class Case:
    name: str
    check: typing.Callable
    words: object = ()  # for the check


def objects():
    return [manifests.namespace("shop"), manifests.node(fake_node.NODE, ["10.66.0.0/24"]),
            manifests.pod("web", "shop", fake_node.NODE, ["10.66.0.11"], {"app": "web"}),
            manifests.policy("web", "shop", {"app": "web"}, ingress=[])]


def another(number):
    return manifests.policy(f"more-{number}", "shop", {"app": "web"}, ingress=[])


@contextlib.contextmanager
def filled(plain=False, **settings):
    with fake_node.fed_node(plain, **settings) as fed:
        fed.put(*objects())
        yield fed


def must_come(notes, netpold, name="what the server holds comes into force"):
    change = netpold.wait_in_force()
    notes.equal(name, (1, 1), (change.policies, change.pods))
    return change


def wait_words(netpold, words):
    """A line of the log that holds them."""
    return netpold.log.wait(lambda line, _at: line if words in line else None)


def wait_pause(server, **which):
    """Until something was asked for, and two more times: how long it was in between."""
    asked = server.wait_asked(lambda found: len(found) >= 3, **which)
    return [round(after.at - before.ended, 2) for before, after in zip(asked, asked[1:])]


# ---- who asks ---------------------------------------------------------------------


def check_rotated(notes, _case):
    """API-61."""
    with filled(tokens={"first"}) as fed, fed.netpold() as netpold:
        must_come(notes, netpold)
        fed.server.tokens = {"second"}
        fed.put(another(1))
        change = netpold.wait_in_force()
        notes.equal("a watch that stands is not cut", 2, change.policies)
        fed.write_token("second")
        at = time.monotonic()
        fed.server.end_watches()
        fed.put(another(2))
        change = netpold.wait_in_force()
        notes.equal("it goes on", 3, change.policies)
        asked = fed.server.asked("networkpolicies", since=at)
        notes.equal("it is refused once, and reads the token again", [401, 200],
                    [request.status for request in asked])
        notes.true("it does so at once", asked[-1].at - asked[0].ended < AT_ONCE_S,
                   f"{AT_ONCE_S} s", asked)


def check_refused(notes, _case):
    with filled(tokens={"second"}) as fed, fed.netpold() as netpold:
        line = wait_words(netpold, "401")
        notes.true("the log says that it is unknown", "Unauthorized" in line, "why", line)
        pauses = wait_pause(fed.server, resource="pods")
        notes.true("it asks again, but not at once more than once",
                   sum(pause < 0.8 for pause in pauses) <= 1, "0.8 s", pauses)
        notes.equal("nothing is in force", None, daemon.IN_FORCE.search(netpold.log.text()))
        fed.write_token("second")
        netpold.process.send_signal(signal.SIGHUP)
        must_come(notes, netpold, "with the right token, all of it is in force")


def check_kept(notes, _case):
    """API-61: a file that is being written counts for nothing."""
    with filled(tokens={"first"}) as fed, fed.netpold() as netpold:
        must_come(notes, netpold)
        (fed.folder / "token").write_text("")
        netpold.process.send_signal(signal.SIGHUP)
        fed.server.end_watches()
        fed.put(another(1))
        notes.equal("an empty file is none: the old token is used", 2,
                    netpold.wait_in_force().policies)
        (fed.folder / "token").unlink()
        netpold.process.send_signal(signal.SIGHUP)
        fed.server.end_watches()
        fed.put(another(2))
        notes.equal("so is a file that is gone", 3, netpold.wait_in_force().policies)


def check_certificate(notes, _case):
    cert, key = fake_node.client_certificate("node-a.netpold")
    data = {name: base64.b64encode(path.read_bytes()).decode()
            for name, path in (("client-certificate-data", cert), ("client-key-data", key))}
    for what, user in (("files", {"client-certificate": str(cert), "client-key": str(key)}),
                       ("data", data)):
        with filled(tokens=set()) as fed:
            fed.write(user)
            with fed.netpold() as netpold:
                must_come(notes, netpold, f"a certificate in {what} is enough")
                notes.equal(f"a certificate in {what} says who asks", {"node-a.netpold"},
                            {request.user for request in fed.server.requests})


def check_in_cluster(notes, case):
    """API-60: as a pod finds it."""
    with filled(host=case.words, tokens={"pod"}) as fed:
        folder = fed.world.node.path(ACCOUNT)
        folder.mkdir(parents=True)
        kubeconfig.put(folder / "token", "pod\n")
        fake_node.our_authority().copy(folder / "ca.crt")
        place = {"KUBERNETES_SERVICE_HOST": case.words, "HOME": "/run",
                 "KUBERNETES_SERVICE_PORT": str(fed.server.port)}
        with fed.netpold(source=NOTHING_SAID, variables=place) as netpold:
            must_come(notes, netpold)
        place["KUBERNETES_SERVICE_PORT"] = "1"
        with fed.netpold(source=("--api-server", fed.server.url), variables=place) as netpold:
            must_come(notes, netpold, "--api-server counts, with the pod's token")


def check_variable(notes, _case):
    """API-63: files of $KUBECONFIG, of which the first that says something counts."""
    with filled(tokens={"first"}) as fed:
        fed.write()
        files = f"/run/none:{fed.config}"
        with fed.netpold(source=NOTHING_SAID,
                         variables={"KUBECONFIG": files}) as netpold:
            must_come(notes, netpold)


def check_prefix(notes, _case):
    """API-64."""
    with filled(prefix="/k8s/clusters/c-1") as fed:
        fed.write()
        with fed.netpold() as netpold:
            must_come(notes, netpold)
        notes.equal("each path has the prefix", [], [
            request.path for request in fed.server.requests
            if not request.path.startswith("/k8s/clusters/c-1/api")])


def check_plain(notes, _case):
    with filled(plain=True) as fed:
        fed.write({}, **{"certificate-authority": None})
        with fed.netpold() as netpold:
            must_come(notes, netpold)


def check_exec(notes, _case):
    with filled() as fed:
        fed.write({"exec": {"command": "aws", "apiVersion": "client.authentication.k8s.io/v1"}})
        with fed.netpold() as netpold:
            notes.equal("the start is refused", 2, netpold.wait_refused())
            log = netpold.log.text()
            notes.true("the message names file and field", "exec" in log and fed.config in log,
                       "exec, and where", log)


def check_proxy(notes, _case):
    with filled() as fed, fake_proxy.Proxy(fed.world.node) as proxy:
        target = f"127.0.0.1:{fed.server.port}"
        with fed.netpold(variables={"HTTPS_PROXY": proxy.url}) as netpold:
            must_come(notes, netpold, "by HTTPS_PROXY")
        notes.equal("HTTPS_PROXY: the proxy was asked", {target}, set(proxy.targets))
        proxy.targets.clear()
        with fed.netpold(variables={"HTTPS_PROXY": proxy.url,
                                    "NO_PROXY": "127.0.0.1"}) as netpold:
            must_come(notes, netpold, "by NO_PROXY")
        notes.equal("NO_PROXY: the proxy was not asked", [], list(proxy.targets))
        fed.write(**{"proxy-url": proxy.url})
        with fed.netpold() as netpold:
            must_come(notes, netpold, "by proxy-url")
        notes.equal("proxy-url: the proxy was asked", {target}, set(proxy.targets))


# ---- whom it asks -----------------------------------------------------------------


def check_tls(notes, case):
    """API-65: the certificate is another's, and then the right one."""
    how, words = case.words
    with filled() as fed:
        fed.server.set_tls(*how())
        with fed.netpold() as netpold:
            line = wait_words(netpold, "listing failed")
            notes.true("the log says what is wrong with it", re.search(words, line), words, line)
            notes.equal("nothing was asked", [], list(fed.server.requests))
            fed.server.set_tls(*fake_node.certificate())
            netpold.process.send_signal(signal.SIGHUP)
            must_come(notes, netpold, "the right one is accepted")


def check_server_name(notes, _case):
    with filled() as fed:
        fed.server.set_tls(*fake_node.certificate("DNS:api.example"))
        fed.write(**{"tls-server-name": "api.example"})
        with fed.netpold() as netpold:
            must_come(notes, netpold, "the name that is expected can be said")
        fed.server.set_tls(*fake_node.certificate(foreign=True))
        fed.write(**{"insecure-skip-tls-verify": True, "certificate-authority": None})
        with fed.netpold() as netpold:
            must_come(notes, netpold, "whoever asks for it need not verify")


def check_authority(notes, _case):
    """API-62: another CA, in the same file."""
    with filled() as fed, fed.netpold() as netpold:
        must_come(notes, netpold)
        fake_node.foreign_authority().copy(fed.folder / "ca.crt")
        fed.server.set_tls(*fake_node.certificate(foreign=True))
        fed.server.hang_up()
        fed.put(another(1))
        notes.equal("new connections trust the new CA", 2, netpold.wait_in_force().policies)


def check_data(notes, _case):
    text = base64.b64encode(fake_node.our_authority().file.read_bytes()).decode()
    with filled() as fed:
        fed.write(**{"certificate-authority": "/nowhere", "certificate-authority-data": text})
        with fed.netpold() as netpold:
            must_come(notes, netpold, "data wins over a file")


def check_option(notes, _case):
    with filled() as fed:
        fed.write(server=NOWHERE)
        with fed.netpold("--api-server", fed.server.url) as netpold:
            must_come(notes, netpold)


# ---- what it asks for -------------------------------------------------------------


def check_forbidden(notes, case):
    """API-1, API-2: RBAC."""
    verb, resource = case.words
    with filled(watch_list="off" if verb == "list" else "on",
                forbidden={(verb, resource)}) as fed, fed.netpold() as netpold:
        line = wait_words(netpold, "403")
        group = {"networkpolicies": "networking.k8s.io"}.get(resource, "")
        notes.true("the log names verb, resource and group", all(
            words in line for words in (f"verb {verb}", f"resource {resource}",
                                        f'group "{group}"')), (verb, resource, group), line)
        refused = [request for request in fed.server.asked(resource) if request.status == 403]
        fed.server.forbidden = set()
        netpold.process.send_signal(signal.SIGHUP)
        must_come(notes, netpold, "once it may, all of it is in force")
        notes.equal("it was not asked again before", 1, len(refused))


def check_least(notes, _case):
    """API-1, API-20, API-40, API-42, API-44, L31: the least that works."""
    with filled(watch_list="off") as fed, fed.netpold() as netpold:
        must_come(notes, netpold)
        server = fed.server
        server.wait_asked(lambda found: len({it.resource for it in found}) == 5, verb="watch")
        notes.equal("list and watch of five resources, and nothing else", (set(RESOURCES), []),
                    ({request.resource for request in server.requests}, server.complaints))
        notes.equal("only this node is asked for", {f"metadata.name={fake_node.NODE}"},
                    {request.query.get("fieldSelector") for request in server.asked("nodes")})
        notes.equal("pods that are over are not asked for",
                    {"status.phase!=Succeeded,status.phase!=Failed"},
                    {request.query.get("fieldSelector") for request in server.asked("pods")})
        notes.true("of namespaces the metadata is enough", all(
            request.headers["Accept"].startswith(METADATA)
            for request in server.asked("namespaces")), METADATA, "more")
        notes.equal("it has a name of its own", {True}, {
            request.headers["User-Agent"].startswith("netpold/") for request in server.requests})
        notes.equal("answers may be compressed (API-43)", {True}, {
            "gzip" in request.headers.get("Accept-Encoding", "") for request in server.requests})
        watches = server.asked(verb="watch")
        times = [int(request.query["timeoutSeconds"]) for request in watches]
        notes.true("each watch says how long, each differently",
                   all(300 <= seconds <= 600 for seconds in times) and len(set(times)) > 1,
                   "300 to 600", times)
        notes.equal("each watch wants bookmarks", {"true"}, {
            request.query.get("allowWatchBookmarks") for request in watches})


def check_pages(notes, _case):
    """API-10 … API-12, API-43: 1,200 pods at once, compressed; and once more in pages."""
    with filled(watch_list="off") as fed:
        many(fed, 1200)
        with fed.netpold() as netpold:
            notes.equal("all pods come", 1201, netpold.wait_in_force().pods)
            fed.server.wait_settled()
            at = time.monotonic()
            fed.server.lose_history()
            fed.put(another(1))
            fed.server.wait_asked(lambda found: len(found) >= 3, resource="pods", since=at)
            fed.server.wait_settled()
            netpold.stop()
        notes.equal("the first list is of any version, and so in one answer",
                    [("500", "0")], pages(fed.server.asked("pods", "list")[:1]))
        notes.equal("the next one comes in pages, and is of the last version",
                    [("500", None)] * 3, pages(fed.server.asked("pods", "list", since=at)))
        notes.equal("it believes what the server holds", fed.server_objects(),
                    fed.warm_objects())
        notes.equal("nothing is to be complained about", [], fed.server.complaints)


def pages(requests):
    return [(request.query.get("limit"), request.query.get("resourceVersion"))
            for request in requests]


def many(fed, count):
    for number in range(count):
        fed.put(manifests.pod(f"many-{number}", "shop", "node-b",
                              [f"10.77.{number // 250}.{number % 250 + 1}"],
                              {"app": f"many-{number % 7}", "filler": "x" * 60}))


class Compact(fake_faults.Fault):
    """A history is gone between two pages: the token of the second has expired."""

    def list(self, call, body):
        super().list(call, body)
        call.server.store.pass_time()
        call.server.store.compact()


def check_expired(notes, _case):
    """API-11."""
    with filled(watch_list="off") as fed:
        many(fed, 700)
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            fed.server.wait_settled()
            fed.server.faults.add("pods", "list", Compact())
            at = time.monotonic()
            fed.server.lose_history()
            fed.put(another(1))
            fed.server.wait_asked(lambda found: found[-1:] and found[-1].verb == "watch",
                                  resource="pods", since=at)
            fed.server.wait_settled()
            netpold.stop()
        asked = fed.server.asked("pods", "list", since=at)
        notes.equal("the list begins anew, without a limit",
                    [("500", False, 200), ("500", True, 410), (None, False, 200)],
                    [(request.query.get("limit"), "continue" in request.query, request.status)
                     for request in asked])
        notes.equal("it believes what the server holds", fed.server_objects(),
                    fed.warm_objects())
        notes.equal("nothing is to be complained about", [], fed.server.complaints)


def check_bookmark(notes, _case):
    """API-22: where a bookmark was, a watch goes on, though the history before it is gone."""
    with filled(bookmark_s=0.1) as fed, fed.netpold() as netpold:
        must_come(notes, netpold)
        fed.server.store.pass_time(100)
        time.sleep(1.2)  # bookmarks come meanwhile, and no watch is a short one
        fed.server.bookmark_s = 60
        time.sleep(0.3)
        fed.server.store.compact()
        at = time.monotonic()
        fed.server.end_watches()
        fed.put(another(1))
        netpold.wait_in_force()
        fed.server.wait_asked(lambda found: len(found) >= 5, since=at)
        notes.equal("they watch on, and nothing is listed", ([], 5), (
            [request.resource for request in fed.server.asked(since=at)
             if request.verb != "watch"],
            len(fed.server.asked(since=at))))


def check_retry_after(notes, _case):
    with filled() as fed:
        fed.server.faults.add("pods", None, fake_faults.Say(
            429, b"later\n", "text/plain", [("Retry-After", "3")]))
        with fed.netpold() as netpold:
            netpold.wait_in_force()
        first, second = fed.server.asked("pods")[:2]
        waited = second.at - first.ended
        notes.true("it waits as long as it is told", 3 <= waited <= 7, "3 to 6 s", waited)


def check_cluster_policies(notes, _case):
    """API-2, API-3: what is served and not enforced is said aloud."""
    cluster_policy = {
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "deny"}, "spec": {"tier": "Admin", "priority": 1}}
    with filled() as fed, fed.netpold() as netpold:
        must_come(notes, netpold)
        notes.true("nothing is said where there are none", "NOT ENFORCED" not in
                   netpold.log.text(), "nothing", netpold.log.text())
        fed.put(cluster_policy)
        line = wait_words(netpold, "NOT ENFORCED")
        notes.true("the log says so", "ClusterNetworkPolicy" in line and " 1 " in line,
                   "1 ClusterNetworkPolicy", line)
        fed.server.store.delete("ClusterNetworkPolicy", "deny")
        wait_words(netpold, "no ClusterNetworkPolicy any more")
    with filled(serves_cluster_policies=False) as fed, fed.netpold() as netpold:
        must_come(notes, netpold, "where they are not served, the rest counts")
        fed.put(another(1))
        netpold.wait_in_force()
        notes.equal("it is asked for once", 1, len(fed.server.asked("clusternetworkpolicies")))
        notes.true("nothing is said of it", "clusternetworkpolicies" not in netpold.log.text(),
                   "nothing", netpold.log.text())


def check_future(notes, _case):
    """L23: a policy with a rule of a later version, and one that nobody can read."""
    later, odd = another(1), another(2)
    later["spec"]["ingress"] = [{"from": [{"tomorrow": {}}]}]
    odd["spec"] = {"podSelector": 7}
    with filled() as fed, fed.netpold() as netpold:
        must_come(notes, netpold)
        fed.put(later)
        line = wait_words(netpold, "tomorrow")
        notes.true("the log says which, and what is wrong",
                   "shop/more-1" in line and "not in force as it stands" in line,
                   "shop/more-1", line)
        notes.equal("it closes its pods without that rule", 2, wait_policies(netpold, 2))
        fed.put(odd)
        done = wait_status(fed, 1, "NOT READ     2 of networkpolicies in full, as shop/more-1")
        notes.equal("the status says so: exit status 1", 1, done.returncode)
        notes.true("the status says how many, and which",
                   "NOT READ     2 of networkpolicies in full, as shop/more-1" in done.stdout,
                   "2, as shop/more-1", done.stdout)
        notes.equal("so does the metric", 2, observer.metrics(fed.world)[
            "netpold_source_unreadable_objects"])
        notes.equal("what cannot be read at all is none", 2,
                    fed.counts()[0]["networkpolicies"])
        fed.put(another(1), another(2))
        notes.equal("once they can be read, both are in force", 3, wait_policies(netpold, 3))
        done = wait_status(fed, 0)
        notes.true("then the status is well", done.returncode == 0
                   and "NOT READ" not in done.stdout, "exit status 0", done.stdout)


def wait_policies(netpold, count):
    while (change := netpold.wait_in_force()).policies != count:
        pass
    return change.policies


def wait_status(fed, code, words=""):
    """Until `netpold status` ends so, and says so; returns the last one."""
    deadline = time.monotonic() + daemon.PATIENCE
    while time.monotonic() < deadline:
        done = observer.status(fed.world)
        if done.returncode == code and words in done.stdout:
            break
        time.sleep(0.1)
    return done


CASES = [
    Case("a token is rotated", check_rotated),
    Case("a token is refused", check_refused),
    Case("a token's file is empty, or gone", check_kept),
    Case("a client's certificate", check_certificate),
    Case("in a cluster", check_in_cluster, "127.0.0.1"),
    Case("in a cluster of IPv6", check_in_cluster, "::1"),
    Case("$KUBECONFIG", check_variable),
    Case("a prefix of all paths", check_prefix),
    Case("a server without TLS", check_plain),
    Case("an exec plugin", check_exec),
    Case("a proxy", check_proxy),
    Case("a certificate of another name", check_tls,
         (lambda: fake_node.certificate("DNS:elsewhere"), r"(?i)name|host|address")),
    Case("a certificate of a foreign CA", check_tls, (lambda: fake_node.certificate(foreign=True), r"(?i)issuer|trust|CA")),
    Case("a certificate that has expired", check_tls, (lambda: fake_node.certificate(days=-1), "expired")),
    Case("tls-server-name", check_server_name),
    Case("another CA", check_authority),
    Case("a CA within the kubeconfig", check_data),
    Case("--api-server", check_option),
    *(Case(f"may not {verb} {resource}", check_forbidden, (verb, resource))
      for verb, resource in (("list", "pods"), ("watch", "pods"), ("list", "networkpolicies"),
                             ("watch", "namespaces"), ("list", "nodes"))),
    Case("what is asked for", check_least),
    Case("pages", check_pages),
    Case("pages whose history is gone", check_expired),
    Case("bookmarks", check_bookmark),
    Case("Retry-After", check_retry_after),
    Case("ClusterNetworkPolicies", check_cluster_policies),
    Case("policies of a later version", check_future),
]


def test(tap_):
    fake_node.prepare()
    side.run(tap_, CASES, lambda notes, case: case.check(notes, case))


if __name__ == "__main__":
    tap.main(test)
