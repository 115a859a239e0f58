#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tokens are rotated in place, and end (API-61).

    node-a:  client-a  app=client ───► web-a  app=web

A token here is bound to a Secret, and no longer good once that is deleted: what an
hour does to the tokens of a cluster. Each has an ID, which the server's audit log
gives for every request.
"""

import time

import kube_client
import kube_cluster
import kube_server
import tap
import world
from manifests import pods, policy, port, rule
from probe import ALLOWED, DENIED, Probe, check_all

REFUSED_S = 30  # the server remembers for 10 s that a token was good
BACK_S = 50
PODS = [world.PodSpec("client-a", labels={"app": "client"}),
        world.PodSpec("other-a", labels={"app": "other"}),
        world.PodSpec("web-a", labels={"app": "web"}, listens=(("tcp", 8080),))]


def web_in(app):
    return policy("web-in", "shop", {"app": "web"}, ingress=[rule([pods(app=app)], [port(8080)])])


def ways(sentence, allowed):
    return [Probe(f"{sentence}: {name} to web-a: {ALLOWED if name == allowed else DENIED}", name,
                  "web-a", "tcp", 8080, ALLOWED if name == allowed else DENIED)
            for name in ("client-a", "other-a")]


class Tokens:
    """Of netpold, each good for as long as we like."""

    def __init__(self, kube):
        self.kube, self.n_made = kube, 0

    def make(self):
        """(name of its Secret, token)"""
        self.n_made += 1
        secret = self.kube.client.create({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": f"token-{self.n_made}", "namespace": "kube-system"}})
        return secret["metadata"]["name"], self.kube.client.request_token(
            kube_server.ACCOUNT, bound_to=secret)

    def end(self, made):
        """Returns when the server refuses it."""
        name, token = made
        self.kube.client.delete("Secret", "kube-system", name)
        asks = self.kube.server.as_token(token)
        deadline = time.monotonic() + REFUSED_S
        while time.monotonic() < deadline:
            try:
                asks.call("GET", "/api/v1/pods?limit=1")
            except kube_client.KubeError as error:
                return error.status
            time.sleep(0.1)
        return 200


def used(made):
    """For wait_audit(): a request by this token that was answered."""
    def find(event):
        return kube_client.credential_of(made[1]) in \
            event["user"].get("extra", {}).get("authentication.kubernetes.io/credential-id", []) \
            and event.get("responseStatus", {}).get("code") == 200
    return find


def check_rotated(tap_, kube, half, tokens, old):
    """The file has another token, and the old one is no good."""
    new = tokens.make()
    kube_server.put_token(kube.daemons[half.node_name].token_file, new[1])
    tap_.equal("the old token is refused", 401, tokens.end(old))
    kube.enforce(web_in("other"))
    check_all(tap_, kube, ways("a watch goes on when its token has ended", "other-a"))
    start = kube.server.audit_size()
    with kube.cut_off(half):
        changed = kube.client.apply(web_in("client"))
    tap_.true("what it asks for anew it asks for by the new token",
              kube.server.wait_audit(used(new), BACK_S, start), "a request by it", "none")
    tap_.equal("what has changed meanwhile comes into force", [],
               kube.wait(changed, "--generation", str(changed["metadata"]["generation"])))
    check_all(tap_, kube, ways("by the new token", "client-a"))
    return new


def check_ended(tap_, kube, half, tokens, old):
    """No token is good for a while."""
    netpold = kube.daemons[half.node_name]
    start = len(netpold.log.lines)
    tap_.equal("its token is refused", 401, tokens.end(old))
    with kube.cut_off(half):
        changed = kube.client.apply(web_in("other"))
    line = netpold.log.wait(lambda line, _at: line if "401" in line else None, start)
    tap_.true("a line says that it is refused, and by whom", kube.server.url() in line,
              f"{kube.server.url()} … 401", line)
    check_all(tap_, kube, ways("without a good token", "client-a"))
    new = tokens.make()
    kube_server.put_token(netpold.token_file, new[1])
    tap_.equal("with a good token what has changed comes into force", [],
               kube.wait(changed, "--generation", str(changed["metadata"]["generation"]),
                         patience_s=BACK_S))
    check_all(tap_, kube, ways("with a good token again", "other-a"))


def test(tap_):
    with kube_cluster.KubeCluster(PODS) as kube:
        tokens, half = Tokens(kube), kube.worlds[0]
        first = tokens.make()
        kube.start_one(half, token=first[1]).wait_in_force()
        kube.enforce(web_in("client"))
        check_all(tap_, kube, ways("by the first token", "client-a"))
        second = check_rotated(tap_, kube, half, tokens, first)
        check_ended(tap_, kube, half, tokens, second)


if __name__ == "__main__":
    tap.main(test)
