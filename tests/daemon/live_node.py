# SPDX-License-Identifier: GPL-2.0-or-later
"""A node that a live page can be pointed at: it serves the page, as its parts stand in daemon/page,
and answers as a test wants it to."""

import base64
import hashlib
import http.server
import json
import pathlib
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = {kind: (ROOT / "daemon" / "page" / f"live.{kind}").read_text() for kind in ("css", "html", "js")}
# As netpold sends it.
HASHES = {kind: base64.b64encode(hashlib.sha256(PARTS[kind].encode()).digest()).decode() for kind in ("css", "js")}
POLICY = (f"default-src 'none'; img-src data:; style-src 'sha256-{HASHES['css']}'; "
          f"script-src 'sha256-{HASHES['js']}'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'")
PAGE = ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        '<meta name="color-scheme" content="light dark">\n<title>netpold</title>\n'
        f'<link rel="icon" href="data:,">\n<style>{PARTS["css"]}</style>\n</head>\n<body>\n{PARTS["html"]}'
        f'<script>{PARTS["js"]}</script>\n</body>\n</html>\n')
BOUNDS = [1e-5, 1e-4, 1e-3, 1e-2, 1.0]


def when(seconds_ago=0.0):
    at = time.time() - seconds_ago
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03}Z"


STARTED = when(3600)


def counter(name, *values):
    """values: (labels, value) each."""
    return {"name": name, "type": "counter", "unit": "packets", "help": "",
            "values": [{"labels": labels, "value": value} for labels, value in values]}


def status(node="node-a", **more):
    return {"netpold": "1.0", "node": node, "pid": 1, "pid_namespace": 1, "started_at": STARTED, "mode": "enforce",
            "ready_since": when(3599), "source": {"kind": "manifests", "paths": ["/etc/netpold/manifests"]},
            "generation": 7, "in_force_since": when(60),
            "last_change": {"received_at": when(60), "published_at": when(60), "in_force_at": when(59.996)},
            "policies": 3, "staged_policies": 0, "pods": 40, "local_pods": 2, "isolated": {"egress": 1, "ingress": 2},
            "revoked": 0, "picked_up": 0, "iptables": "nft", "mark_mask": "0x107f",
            "queues": {"first": 6000, "count": 2}, **more}


def metrics(packets=0, denied=0, by_kernel=0, lost=0, policy="web", fast=0, slow=0):
    """Of two workers; @fast verdicts took up to 100 us, @slow ones up to 10 ms."""
    at_most = [0, fast, fast, fast + slow, fast + slow]
    policies = [({"namespace": "shop", "policy": policy, "mode": "enforce", "direction": "ingress",
                  "verdict": verdict}, value) for verdict, value in (("allow", packets - denied), ("deny", denied))]
    return [
        counter("netpold_packets_total", ({"worker": "0"}, packets), ({"worker": "1"}, 0)),
        counter("netpold_packets_allowed_total", ({"worker": "0"}, packets - denied), ({"worker": "1"}, 0)),
        counter("netpold_packets_denied_total", ({"worker": "0"}, denied), ({"worker": "1"}, 0)),
        counter("netpold_kernel_cache_hits_total", ({"verdict": "allow"}, 0), ({"verdict": "deny"}, by_kernel)),
        counter("netpold_queue_waiting_packets", ({"queue": "6000"}, 12), ({"queue": "6001"}, 0)),
        counter("netpold_queue_capacity_packets", ({"queue": "6000"}, 1024), ({"queue": "6001"}, 1024)),
        counter("netpold_queue_dropped_packets_total", ({"queue": "6000"}, lost), ({"queue": "6001"}, 0)),
        counter("netpold_policy_verdicts_total", *policies),
        {"name": "netpold_verdict_seconds", "type": "histogram", "unit": "seconds", "help": "", "values": [
            {"labels": {"worker": "0"}, "count": fast + slow, "sum": 0.0,
             "buckets": [{"le": le, "count": n} for le, n in zip(BOUNDS, at_most)]}]},
    ]


def denial(flow="shop/guest -> shop/web:8080/TCP", why="ingress: shop/web is isolated by shop/web and no rule matches",
           packets=1):
    return {"packets": packets, "flow": flow, "why": why, "decision": {}}


def row(id_=1, source="shop/guest", target="shop/web", port=8080, verdict="deny", ago=0.0, **more):
    """Of what is judged just now."""
    return {"id": id_, "from": {"name": source, "kind": "Deployment"}, "to": {"name": target, "kind": "Pod"},
            "protocol": "TCP", "port": port, "mode": "enforce", "verdict": verdict, "count": 1, "bytes": 60,
            "why": "ingress: isolated by shop/web, no rule matches" if verdict == "deny" else "ingress: shop/web rule 1",
            "per_second": 0.2, "first": when(ago), "last": when(ago), **more}


def flows(*rows, **more):
    return {"seconds": 5.0, "seen": 9, "unnamed": 0, "lost": 0, "rows_gone": 0, "rows": list(rows), **more}


def side(isolated=False, policies=(), rules=(), local=None):
    """policies: (name, is staged) each; rules: (policy, number, words); local: (of how many, names)."""
    staged = dict(policies)
    of, names = local or (0, [])
    return {"local": {"n": len(names), "of": of, "is_cut": False, "names": names[:16]},
            "isolated": isolated, "n_policies": len(policies), "n_rules": len(rules),
            "policies": [{"name": name, "staged": is_staged} for name, is_staged in policies],
            "rules": [{"policy": policy, "rule": number, "staged": staged[policy], "words": words}
                      for policy, number, words in rules]}


def pod(name="web", namespace="shop", ingress=None, egress=None, addresses=("10.244.1.7",)):
    return {"namespace": namespace, "name": name, "addresses": list(addresses),
            "egress": egress or side(), "ingress": ingress or side()}


class Node:
    """What is told is what its attributes say; use it in a with statement."""

    def __init__(self):
        self.token = None       # asked for
        self.refuses = False    # answers 500
        self.state = {"pods": 1, "status": status(), "metrics": metrics(), "denied": [],
                      "flows": flows()}
        self.pods = [pod()]
        self.asked = []         # paths, as they came
        node = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                node.answer(self)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def tell(self, path):
        if path == "/state.json":
            return {"now_ms": int(time.time() * 1000), **self.state}
        return {"generation": self.state["pods"], "n_pods": len(self.pods), "pods": self.pods}

    def answer(self, handler):
        path, code, kind = handler.path, 200, "application/json"
        self.asked.append(path)
        if path == "/":
            body, kind = PAGE, "text/html; charset=utf-8"
        elif path not in ("/state.json", "/pods.json"):
            body, code, kind = "no such path\n", 404, "text/plain"
        elif self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            body, code, kind = "expected a token\n", 401, "text/plain"
        elif self.refuses:
            body, code, kind = "out of order\n", 500, "text/plain"
        else:
            body = json.dumps(self.tell(path))
        data = body.encode()
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.send_header("Content-Security-Policy", POLICY)
        handler.end_headers()
        handler.wfile.write(data)
