#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the pods of shop_app.py run, where no package has it: a role, and its words.

    api                     HTTP 8080: /item/NAME, from the cache or else from the
                            database; /order/NAME, into the database and on to the
                            hook; HTTP 9102: /metrics
    db                      XML-RPC 8000, in front of SQLite
    hook                    HTTP 8443: answers anything
    ask URL COUNT [SOURCE]  get a page so many times, from that address
    backup                  ask the database for all there is
    knock ADDRESS PORT      connect, and say whether that was possible
"""

import http.client
import http.server
import socket
import sqlite3
import sys
import threading
import urllib.parse
import xmlrpc.client
import xmlrpc.server

DOMAIN = "shop.svc.cluster.local"
PATIENCE_S = 10
KNOCK_S = 0.7  # less than it takes TCP to send its SYN again


# ---- the servers -----------------------------------------------------------------


class Pages(http.server.BaseHTTPRequestHandler):
    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def cache(*words):
    """A command of Redis; its answer, or None."""
    with socket.create_connection((f"cache.{DOMAIN}", 6379), PATIENCE_S) as sock:
        parts = [word.encode() for word in words]
        sock.sendall(b"*%d\r\n" % len(parts)
                     + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        with sock.makefile("rb") as answer:
            head = answer.readline()
            if head[:1] == b"-":
                raise OSError(head)
            return answer.readline().strip().decode() if head[:1] == b"$" and head != b"$-1\r\n" else None


def database():
    return xmlrpc.client.ServerProxy(f"http://db.{DOMAIN}:8000", allow_none=True)


def get(url, source=""):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_S,
                                            source_address=(source, 0))
    connection.request("GET", parts.path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status != 200:
        raise OSError(f"{url}: {answer.status} {text}")
    return text


def item(name):
    price = cache("GET", name)
    if price is None:
        price = str(database().price(name))
        cache("SET", name, price)
    return price


def order(name):
    number = database().order(name)
    get(f"http://hook.example.org:8443/order/{number}")
    return str(number)


class Api(Pages):
    def do_GET(self):
        kind, name = self.path.strip("/").split("/")
        self.answer({"item": item, "order": order}[kind](name))


class Metrics(Pages):
    def do_GET(self):
        self.answer("up 1\n")


def serve(pages, port):
    http.server.ThreadingHTTPServer(("", port), pages).serve_forever()


def api():
    threading.Thread(target=serve, args=(Metrics, 9102), daemon=True).start()
    serve(Api, 8080)


class Hook(Pages):
    def do_GET(self):
        self.answer("thank you\n")


def hook():
    serve(Hook, 8443)


class Database:
    def __init__(self):
        self.db = sqlite3.connect(":memory:")
        self.db.execute("CREATE TABLE orders (number INTEGER PRIMARY KEY, item TEXT)")

    def price(self, name):
        return self.db.execute("SELECT length(?) * 100", (name,)).fetchone()[0]

    def order(self, name):
        return self.db.execute("INSERT INTO orders (item) VALUES (?)", (name,)).lastrowid

    def all(self):
        return self.db.execute("SELECT * FROM orders").fetchall()


def db():
    server = xmlrpc.server.SimpleXMLRPCServer(("", 8000), logRequests=False, allow_none=True)
    server.register_instance(Database())
    server.serve_forever()


# ---- those who ask ----------------------------------------------------------------


def ask(url, count, source=""):
    for _ in range(int(count)):
        get(url, source)


def backup():
    database().all()


def knock(address, port):
    try:
        socket.create_connection((address, int(port)), KNOCK_S).close()
        print("open")
    except TimeoutError:
        print("silence")


if __name__ == "__main__":
    {"api": api, "db": db, "hook": hook, "ask": ask, "backup": backup,
     "knock": knock}[sys.argv[1]](*sys.argv[2:])
