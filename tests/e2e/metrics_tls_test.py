#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics over TLS, and for who has the token.

    the test ── TLS 1.2, 1.3 ──► 127.0.0.1:9500 of a node

Certificates are those of an authority of the test's, made by openssl; one is replaced by another
while netpold runs, as cert-manager does it, and so is the token. Probes have no token, and are
answered. What cannot be read at a start is one line and exit status 2.
"""

import contextlib
import os
import pathlib
import shutil
import ssl
import tempfile
import time
import warnings

import authority
import daemon
import health_test
import scenario
import tap
import web
import world

PATIENCE = 30
LONGEST = 4096
LOCAL = ("--metrics-listen", f"127.0.0.1:{health_test.PORT}")


class Files:
    """What the options name, in a folder: each is replaced in one step."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.authority = authority.Authority(folder)
        self.cert, self.key, self.token = (self.folder / name
                                           for name in ("tls.crt", "tls.key", "token"))
        self.options = ("--metrics-tls-cert", self.cert, "--metrics-tls-key", self.key,
                        "--metrics-token-file", self.token)

    def put_pair(self, days):
        """Pairs differ by how long they are valid."""
        for made, name in zip(self.authority.server("IP:127.0.0.1", days=days),
                              (self.cert, self.key)):
            shutil.copy(made, f"{name}.new")
            os.rename(f"{name}.new", name)

    def put_token(self, text):
        beside = self.token.with_suffix(".new")
        beside.write_text(text + "\n", encoding="ascii")
        beside.rename(self.token)

    def client(self, version=None):
        context = ssl.create_default_context(cafile=self.authority.file)
        if version:
            context.minimum_version = context.maximum_version = version
        return context


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def wait(enough):
    """Whether enough() came to be so."""
    deadline = time.monotonic() + PATIENCE
    while not enough():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


# ---- TLS --------------------------------------------------------------------


def shown(asker, files):
    """The serial number of the certificate that is shown."""
    with files.client().wrap_socket(asker.connect(), server_hostname="127.0.0.1") as connection:
        return connection.getpeercert()["serialNumber"]


def check_tls(tap_, world_, files, asker):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with web.Web(world_.node, health_test.PORT, files.client(version)) as other:
            tap_.equal(f"{version.name}: health is told", 200, other.ask("/livez")[0])
            tap_.true(f"{version.name}: so are metrics, whole", other.ask(
                "/metrics", headers=bearer("first"))[1].endswith("\n"), "an end of line", "none")
    old = files.client()
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is old is the point
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with web.Web(world_.node, health_test.PORT, old) as other:
        refused = False
        try:
            other.ask("/livez")
        except (ssl.SSLError, OSError):
            refused = True
        tap_.true("TLS 1.1 is refused", refused, "an error", "an answer")
    with asker.connect() as plain, contextlib.suppress(OSError):
        plain.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        answer = plain.recv(4096)
        tap_.true("without TLS there is no answer", b"200" not in answer, "none", answer)


def check_renewal(tap_, files, asker, netpold):
    """The one that was shown last goes on to be until both files are those of the next."""
    first = shown(asker, files)
    cert, key = files.cert.read_bytes(), files.key.read_bytes()
    files.put_pair(3)
    tap_.true("a new certificate is shown soon", wait(lambda: shown(asker, files) != first),
              "another one", first)
    second = shown(asker, files)
    files.cert.write_bytes(cert)
    seen = set()

    def noticed():
        seen.add(shown(asker, files))
        return "certificate that was read before stays" in netpold.log.text()
    tap_.true("half of a pair is noticed", wait(noticed), "… stays; trying again",
              netpold.log.text())
    tap_.equal("and not shown", {second}, {*seen, shown(asker, files)})
    files.key.write_bytes(key)
    tap_.true("the other half comes: it is", wait(lambda: shown(asker, files) == first), first,
              "the one before")


def check_crowd(tap_, world_, asker):
    """Who says nothing keeps nobody out."""
    crowd = [asker.connect() for _ in range(40)]
    for connection in crowd[::2]:
        with contextlib.suppress(OSError):
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")
    tap_.true("handshakes that do not go on are given up", wait(
        lambda: asker.wait("/livez", lambda status, _: status == 200)[0] == 200), 200, "no answer")
    for connection in crowd:
        connection.close()


# ---- the token --------------------------------------------------------------


def check_token(tap_, files, asker):
    status, said, headers = asker.ask("/metrics")
    tap_.equal("without a token there are no metrics, and it says what is missing",
               (401, "expected a token: Authorization: Bearer TOKEN\n", 'Bearer realm="netpold"'),
               (status, said, headers.get("WWW-Authenticate")))
    status, said, headers = asker.ask("/metrics", headers=bearer("wrong"))
    tap_.equal("with another token neither",
               (401, 'Bearer realm="netpold", error="invalid_token"'),
               (status, headers.get("WWW-Authenticate")))
    tap_.equal("HEAD is no way around it", 401, asker.ask("/metrics", "HEAD")[0])
    status, said, headers = asker.ask("/metrics", headers=bearer("first"))
    tap_.true("with the token there are", status == 200 and "netpold_build_info" in said, 200,
              (status, said))
    for path in ("/livez", "/healthz", "/readyz"):
        tap_.equal(f"{path} is for everybody", 200, asker.ask(path)[0])
    files.put_token("second")
    tap_.true("a new token is known soon",
              wait(lambda: asker.ask("/metrics", headers=bearer("second"))[0] == 200), 200, 401)
    tap_.equal("the old one is not any more", 401,
               asker.ask("/metrics", headers=bearer("first"))[0])
    files.put_token("x" * LONGEST)
    tap_.true("the longest fits into a request", wait(
        lambda: asker.ask("/metrics", headers=bearer("x" * LONGEST))[0] == 200), 200, 401)
    files.put_token("first")


# ---- starts -----------------------------------------------------------------


def check_refused(tap_, world_, files):
    for what, change, words in (
            ("a key that is missing", lambda: files.key.unlink(), ("--metrics-tls-cert", files.key)),
            ("a key that is none", lambda: files.key.write_text("x"),
             ("expected a private key", files.key)),
            ("another one's key", lambda: shutil.copy(files.authority.key, files.key),
             ("is not the key of", files.key)),
            ("a certificate that is none", lambda: files.cert.write_text("x"),
             ("expected certificates", files.cert)),
            ("no token", lambda: files.token.write_text("\n"),
             ("--metrics-token-file", files.token)),
            ("a token that fits into no request", lambda: files.put_token("x" * (LONGEST + 1)),
             ("--metrics-token-file", files.token, f"at most {LONGEST} bytes"))):
        files.put_pair(2)
        files.put_token("first")
        change()
        with daemon.Daemon(world_, *LOCAL, *map(str, files.options)) as netpold:
            status = netpold.wait_refused()
            log = netpold.log.text()
        tap_.equal(f"{what}: exit status 2", 2, status)
        tap_.true(f"{what}: one line says so", len(log.splitlines()) == 1 and
                  all(str(word) in log for word in words), words, log)
    files.put_pair(2)
    files.put_token("first")


def warned(world_, *options):
    """What is said against how metrics are told."""
    with daemon.Daemon(world_, *map(str, options)) as netpold:
        netpold.wait_in_force()
        netpold.stop()
        return [line for _, line in netpold.log.lines if "without TLS" in line]


def check_warnings(tap_, world_, files):
    everywhere = ("--metrics-listen", f":{health_test.PORT}")
    tap_.equal("on loopback nobody is warned", [], warned(world_, *LOCAL))
    tap_.equal("with TLS neither", [], warned(world_, *everywhere, *files.options))
    said = warned(world_, *everywhere)
    tap_.true("elsewhere one line warns", len(said) == 1 and "--metrics-tls-cert" in said[0] and
              "the token" not in said[0], "one line", said)
    said = warned(world_, *everywhere, *files.options[4:])
    tap_.true("with a token it says that this is seen, too", len(said) == 1 and
              "and the token" in said[0], "one line", said)


def test(tap_):
    with tempfile.TemporaryDirectory(prefix="netpold-tls-") as folder:
        files = Files(folder)
        for world_ in world.variants(scenario.specs("web"), world.CROSS[:1]):
            check_refused(tap_, world_, files)
            check_warnings(tap_, world_, files)
            with daemon.Daemon(world_, *LOCAL, *map(str, files.options)) as netpold, \
                    web.Web(world_.node, health_test.PORT, files.client()) as asker:
                netpold.wait_in_force()
                check_tls(tap_, world_, files, asker)
                check_token(tap_, files, asker)
                check_crowd(tap_, world_, asker)
                check_renewal(tap_, files, asker, netpold)
                tap_.equal("it stops in order", 0, netpold.stop())


if __name__ == "__main__":
    tap.main(test)
