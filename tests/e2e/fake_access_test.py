#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""How netpold finds its API server, and proves who it is; and who that is.

Each case is a node of its own with a netpold and a fake server (see fake_node.py).
"""

import base64
import re
import signal
import time

import daemon
import fake_case
import fake_node
import fake_proxy
import kubeconfig
import side
import tap
from fake_case import Case

ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
NOWHERE = "https://127.0.0.1:1"
NOTHING_SAID = ("--iptables", "nft")  # of where objects come from


def wait_pause(server, **which):
    """Until something was asked for, and two more times: how long it was in between."""
    asked = server.wait_asked(lambda found: len(found) >= 3, **which)
    return [round(after.at - before.ended, 2) for before, after in zip(asked, asked[1:])]


# ---- who asks ---------------------------------------------------------------------


def check_rotated(notes, _case):
    """API-61."""
    with fake_case.filled(tokens={"first"}) as fed, fed.netpold() as netpold:
        fake_case.must_come(notes, netpold)
        fed.server.tokens = {"second"}
        fed.put(fake_case.another(1))
        change = netpold.wait_in_force()
        notes.equal("a watch that stands is not cut", 2, change.policies)
        fed.write_token("second")
        at = time.monotonic()
        # Of all five, whoever is refused first would read it for the others, too.
        fed.server.end_watches(["networkpolicies"])
        fed.put(fake_case.another(2))
        change = netpold.wait_in_force()
        notes.equal("it goes on", 3, change.policies)
        asked = fed.server.wait_asked(
            lambda found: len(found) > 1 and found[-1].status,
            resource="networkpolicies", since=at)
        notes.equal("it is refused once, and reads the token again", [401, 200],
                    [request.status for request in asked])
        line = fake_case.wait_words(netpold, ": networkpolicies of")
        notes.true("it does so at once", "401" in line and line.endswith("again in 0.0 s"),
                   "401, and 0.0 s", line)


def check_refused(notes, _case):
    with fake_case.filled(tokens={"second"}) as fed, fed.netpold() as netpold:
        line = fake_case.wait_words(netpold, "401")
        notes.true("the log says that it is unknown", "Unauthorized" in line, "why", line)
        pauses = wait_pause(fed.server, resource="pods")
        notes.true("it asks again, but not at once more than once",
                   sum(pause < 0.8 for pause in pauses) <= 1, "0.8 s", pauses)
        notes.equal("nothing is in force", None, daemon.IN_FORCE.search(netpold.log.text()))
        fed.write_token("second")
        netpold.process.send_signal(signal.SIGHUP)
        fake_case.must_come(notes, netpold, "with the right token, all of it is in force")


def check_kept(notes, _case):
    """API-61: a file that is being written counts for nothing."""
    with fake_case.filled(tokens={"first"}) as fed, fed.netpold() as netpold:
        fake_case.must_come(notes, netpold)
        (fed.folder / "token").write_text("")
        netpold.process.send_signal(signal.SIGHUP)
        fed.server.end_watches()
        fed.put(fake_case.another(1))
        notes.equal("an empty file is none: the old token is used", 2,
                    netpold.wait_in_force().policies)
        (fed.folder / "token").unlink()
        netpold.process.send_signal(signal.SIGHUP)
        fed.server.end_watches()
        fed.put(fake_case.another(2))
        notes.equal("so is a file that is gone", 3, netpold.wait_in_force().policies)


def check_certificate(notes, _case):
    cert, key = fake_node.client_certificate("node-a.netpold")
    data = {name: base64.b64encode(path.read_bytes()).decode()
            for name, path in (("client-certificate-data", cert), ("client-key-data", key))}
    for what, user in (("files", {"client-certificate": str(cert), "client-key": str(key)}),
                       ("data", data)):
        with fake_case.filled(tokens=set()) as fed:
            fed.write(user)
            with fed.netpold() as netpold:
                fake_case.must_come(notes, netpold, f"a certificate in {what} is enough")
                notes.equal(f"a certificate in {what} says who asks", {"node-a.netpold"},
                            {request.user for request in fed.server.requests})


def check_in_cluster(notes, case):
    """API-60: as a pod finds it."""
    with fake_case.filled(host=case.words, tokens={"pod"}) as fed:
        folder = fed.world.node.path(ACCOUNT)
        folder.mkdir(parents=True)
        kubeconfig.put(folder / "token", "pod\n")
        fake_node.our_authority().copy(folder / "ca.crt")
        place = {"KUBERNETES_SERVICE_HOST": case.words, "HOME": "/run",
                 "KUBERNETES_SERVICE_PORT": str(fed.server.port)}
        with fed.netpold(source=NOTHING_SAID, variables=place) as netpold:
            fake_case.must_come(notes, netpold)
        place["KUBERNETES_SERVICE_PORT"] = "1"
        with fed.netpold(source=("--api-server", fed.server.url), variables=place) as netpold:
            fake_case.must_come(notes, netpold, "--api-server counts, with the pod's token")


def check_variable(notes, _case):
    """API-63: files of $KUBECONFIG, of which the first that says something counts."""
    with fake_case.filled(tokens={"first"}) as fed:
        fed.write()
        files = f"/run/none:{fed.config}"
        with fed.netpold(source=NOTHING_SAID,
                         variables={"KUBECONFIG": files}) as netpold:
            fake_case.must_come(notes, netpold)


def check_prefix(notes, _case):
    """API-64."""
    with fake_case.filled(prefix="/k8s/clusters/c-1") as fed:
        fed.write()
        with fed.netpold() as netpold:
            fake_case.must_come(notes, netpold)
        notes.equal("each path has the prefix", [], [
            request.path for request in fed.server.requests
            if not request.path.startswith("/k8s/clusters/c-1/api")])


def check_plain(notes, _case):
    with fake_case.filled(plain=True) as fed:
        fed.write({}, **{"certificate-authority": None})
        with fed.netpold() as netpold:
            fake_case.must_come(notes, netpold)


def check_exec(notes, _case):
    with fake_case.filled() as fed:
        fed.write({"exec": {"command": "aws", "apiVersion": "client.authentication.k8s.io/v1"}})
        with fed.netpold() as netpold:
            notes.equal("the start is refused", 2, netpold.wait_refused())
            log = netpold.log.text()
            notes.true("the message names file and field", "exec" in log and fed.config in log,
                       "exec, and where", log)


def check_proxy(notes, _case):
    with fake_case.filled() as fed, fake_proxy.Proxy(fed.world.node) as proxy:
        target = f"127.0.0.1:{fed.server.port}"
        with fed.netpold(variables={"HTTPS_PROXY": proxy.url}) as netpold:
            fake_case.must_come(notes, netpold, "by HTTPS_PROXY")
            fed.server.wait_settled()  # or the proxy might hear of its last request later
        notes.equal("HTTPS_PROXY: the proxy was asked", {target}, set(proxy.targets))
        proxy.targets.clear()
        with fed.netpold(variables={"HTTPS_PROXY": proxy.url,
                                    "NO_PROXY": "127.0.0.1"}) as netpold:
            fake_case.must_come(notes, netpold, "by NO_PROXY")
        notes.equal("NO_PROXY: the proxy was not asked", [], list(proxy.targets))
        fed.write(**{"proxy-url": proxy.url})
        with fed.netpold() as netpold:
            fake_case.must_come(notes, netpold, "by proxy-url")
        notes.equal("proxy-url: the proxy was asked", {target}, set(proxy.targets))


# ---- whom it asks -----------------------------------------------------------------


def check_tls(notes, case):
    """API-65: the certificate is another's, and then the right one."""
    how, words = case.words
    with fake_case.filled() as fed:
        fed.server.set_tls(*how())
        with fed.netpold() as netpold:
            line = fake_case.wait_words(netpold, "listing failed")
            notes.true("the log says what is wrong with it", re.search(words, line), words, line)
            notes.equal("nothing was asked", [], list(fed.server.requests))
            fed.server.set_tls(*fake_node.certificate())
            netpold.process.send_signal(signal.SIGHUP)
            fake_case.must_come(notes, netpold, "the right one is accepted")


def check_server_name(notes, _case):
    with fake_case.filled() as fed:
        fed.server.set_tls(*fake_node.certificate("DNS:api.example"))
        fed.write(**{"tls-server-name": "api.example"})
        with fed.netpold() as netpold:
            fake_case.must_come(notes, netpold, "the name that is expected can be said")
        fed.server.set_tls(*fake_node.certificate(foreign=True))
        fed.write(**{"insecure-skip-tls-verify": True, "certificate-authority": None})
        with fed.netpold() as netpold:
            fake_case.must_come(notes, netpold, "whoever asks for it need not verify")


def check_authority(notes, _case):
    """API-62: another CA, in the same file."""
    with fake_case.filled() as fed, fed.netpold() as netpold:
        fake_case.must_come(notes, netpold)
        fake_node.foreign_authority().copy(fed.folder / "ca.crt")
        fed.server.set_tls(*fake_node.certificate(foreign=True))
        fed.server.hang_up()
        fed.put(fake_case.another(1))
        notes.equal("new connections trust the new CA", 2, netpold.wait_in_force().policies)


def check_data(notes, _case):
    text = base64.b64encode(fake_node.our_authority().file.read_bytes()).decode()
    with fake_case.filled() as fed:
        fed.write(**{"certificate-authority": "/nowhere", "certificate-authority-data": text})
        with fed.netpold() as netpold:
            fake_case.must_come(notes, netpold, "data wins over a file")


def check_option(notes, _case):
    with fake_case.filled() as fed:
        fed.write(server=NOWHERE)
        with fed.netpold("--api-server", fed.server.url) as netpold:
            fake_case.must_come(notes, netpold)


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
    Case("a certificate of a foreign CA", check_tls,
         (lambda: fake_node.certificate(foreign=True), r"(?i)issuer|unable to get")),
    Case("a certificate that has expired", check_tls,
         (lambda: fake_node.certificate(days=-1), "expired")),
    Case("tls-server-name", check_server_name),
    Case("another CA", check_authority),
    Case("a CA within the kubeconfig", check_data),
    Case("--api-server", check_option),
]


def test(tap_):
    fake_node.prepare()
    side.run(tap_, CASES, lambda notes, case: case.check(notes, case))


if __name__ == "__main__":
    tap.main(test)
