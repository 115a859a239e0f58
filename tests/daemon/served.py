# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that a fake API server serves, here and over TLS, and offline commands that
are to read them: there, or in a file that holds the same."""

import contextlib
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETPOLD = os.environ.get("NETPOLD", str(ROOT / "build" / "netpold"))

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import authority  # noqa: E402
import fake_api  # noqa: E402
import fake_store  # noqa: E402
import kubeconfig  # noqa: E402

KINDS = [resource for resource in fake_store.RESOURCES.values() if not resource.is_custom]


@functools.cache
def _folder():
    return tempfile.TemporaryDirectory(prefix="netpold-served-")  # gone with us


@functools.cache
def certificate(*names, foreign=False, days=2):
    """(certificate, key) of a server."""
    return _authority("foreign CA" if foreign else "netpold test CA").server(
        *(names or ("IP:127.0.0.1",)), days=days)


@functools.cache
def _authority(name):
    return authority.Authority(_folder().name, name)


def as_list(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


class Served:
    """Use it in a with statement."""

    def __init__(self, objects):
        self.server = fake_api.Server(tls=certificate())
        self.put(*objects)

    def __enter__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="netpold-served-")
        self.folder = pathlib.Path(self._temporary.name)
        self.config = self.folder / "config"
        self.server.start()
        self.write()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):  # a test may have stopped it
            self.server.stop()
        self._temporary.cleanup()

    def put(self, *objects):
        for item in objects:
            self.server.store.put(item)

    def write(self, user=None, **cluster):
        """The kubeconfig, with other words than usual."""
        kubeconfig.write(self.config, {
            "server": self.server.url,
            "certificate-authority": str(_authority("netpold test CA").file), **cluster}, user)

    def file(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text if isinstance(text, str) else as_list(text), encoding="utf-8")
        return str(path)

    def objects(self, kinds=("Pod", "Namespace", "NetworkPolicy", "Node")):
        """What the server holds, of kinds that decide."""
        return [item for resource in KINDS if resource.kind in kinds
                for item in self.server.store.items(resource.name)[0]]


def netpold(*arguments, stdin="", timeout=60, **variables):
    clean = {name: value for name, value in os.environ.items()
             if name != "KUBECONFIG" and not name.lower().endswith("_proxy")}
    return subprocess.run([NETPOLD, *map(str, arguments)], input=stdin, env={**clean, **variables},
                          capture_output=True, text=True, timeout=timeout, check=False)
