# SPDX-License-Identifier: GPL-2.0-or-later
"""A kubelet of a test's node: it runs containers with runc, and probes them.

The node's network is its World's; its files, as far as pods see them, are in a folder.
However a test ends, its containers end, too: a process waits for that, which has nothing
else to do.
"""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import container
import daemon
import kube_server
import netns

LOOK_EVERY_S = 0.05
END = ('cat > /dev/null; '
       'for name in $(runc --root "$1/runc" list --quiet); do '
       'runc --root "$1/runc" delete --force "$name"; done; rm -rf "$1"')
CAPABILITIES = {"NET_ADMIN": 12, "NET_RAW": 13}  # their bits: capabilities(7)


class Kubelet:
    """Use it in a with statement; all of it is gone afterwards.

    @half    the World of the node
    @server  the API server that its pods ask
    @family  of the address by which they do
    """

    numbers = itertools.count(1)

    def __init__(self, half, server, image, family="4"):
        self.half, self.image, self.node_name = half, image, half.node_name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="netpold-kubelet-"))
        self.guard = subprocess.Popen(["sh", "-c", END, "sh", self.folder], stdin=subprocess.PIPE,
                                      start_new_session=True)
        self.environment = {"KUBERNETES_SERVICE_HOST": server.host.addresses[family],
                            "KUBERNETES_SERVICE_PORT": str(kube_server.PORT)}
        self.account = self.folder / "account"
        self.account.mkdir()
        kube_server.put_token(self.account / "token",
                              server.client.request_token(kube_server.ACCOUNT))
        shutil.copy(server.authority.file, self.account / "ca.crt")
        (self.account / "namespace").write_text("kube-system")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.guard.stdin.close()
        self.guard.wait()

    def path(self, path):
        """Where a path of the node is for us."""
        return self.folder / "root" / path.lstrip("/")

    def files(self):
        """All that pods have left on the node: files, and folders that are not empty."""
        root = self.folder / "root"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*")
                      if not path.is_dir())

    def start(self, pod, which="containers"):
        """Start the one container of a pod, or its "initContainers"; returns it running, or
        having ended."""
        (spec,) = pod[which]
        return Container(self, f"netpold-test-{os.getpid()}-{next(self.numbers)}", pod, spec)


class Container:
    """One that runs, or has run. It is made by a Kubelet."""

    def __init__(self, kubelet, name, pod, spec):
        self.name, self.spec = name, spec
        self.runc = ("runc", "--root", str(kubelet.folder / "runc"))
        bundle = kubelet.folder / name
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps(
            container.config(pod, spec, kubelet, f"/{name}")))
        self.process = subprocess.Popen(
            [*self.runc, "run", "--bundle", bundle, name], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            start_new_session=True)
        self.out, self.log = daemon.Log(self.process.stdout), daemon.Log(self.process.stderr)

    def exec(self, *command):
        """As `kubectl exec` does; returns the finished process."""
        return netns.run(*self.runc, "exec", self.name, *command, check=False)

    def probe(self):
        """Ask as its readiness probe says: whether it is ready, and what was said."""
        done = self.exec(*self.spec["readinessProbe"]["exec"]["command"])
        return done.returncode == 0, done.stdout + done.stderr

    def wait_running(self):
        """Until its program runs, or has ended; returns self."""
        deadline = time.monotonic() + daemon.PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            done = netns.run(*self.runc, "state", self.name, check=False)
            if done.returncode == 0 and json.loads(done.stdout)["status"] == "running" \
                    and not process_status(self.first())["Name"].startswith("runc"):
                break
            time.sleep(LOOK_EVERY_S)
        return self

    def wait_ready(self):
        """Returns after how many seconds it was."""
        start = time.monotonic()
        while True:
            ready, said = self.probe()
            if ready:
                return time.monotonic() - start
            if self.process.poll() is not None or time.monotonic() > start + daemon.PATIENCE:
                raise daemon.DaemonError(f"the container does not get ready: {said}\nits log:\n"
                                         f"{self.log.text()}")
            time.sleep(LOOK_EVERY_S)

    def end(self, how=signal.SIGTERM):
        """End it by a signal: its exit status."""
        netns.run(*self.runc, "kill", self.name, str(int(how)))
        return self.wait_end()

    def wait_end(self):
        try:
            return self.process.wait(daemon.PATIENCE)
        except subprocess.TimeoutExpired:
            raise daemon.DaemonError(f"the container did not end within {daemon.PATIENCE} s; its "
                                     f"log:\n{self.log.text()}") from None

    # ---- what it has become --------------------------------------------------

    def processes(self):
        """What the kernel says of each of its processes: process_status(). One that runc has
        needed to start it may be among its numbers, and be gone."""
        found = []
        for pid in json.loads(netns.run(*self.runc, "ps", "--format", "json", self.name).stdout):
            with contextlib.suppress(FileNotFoundError):
                found.append(process_status(pid))
        return found

    def first(self):
        """That of the first one, which is netpold."""
        return json.loads(netns.run(*self.runc, "state", self.name).stdout)["pid"]

    def writable(self):
        """The mounts that it may write to, but those that runtimes make for everybody."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for line in pathlib.Path(f"/proc/{self.first()}/mountinfo").read_text().splitlines():
                words = line.split()
                if "rw" in words[5].split(",") and not words[4].startswith(("/dev", "/proc")):
                    found.append(words[4])
        return sorted(found)


def process_status(pid):
    """{"CapEff": "0000000000003000", …} of a process."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return {name: value.strip() for name, _, value in
            (line.partition(":") for line in text.splitlines())}


def capabilities(names):
    """A set of them as a number: bits as in /proc/PID/status."""
    return sum(1 << CAPABILITIES[name] for name in names)
