# SPDX-License-Identifier: GPL-2.0-or-later
"""A real kube-apiserver and its etcd, in a network namespace of the test's own.

    etcd  127.0.0.1:2379 ◄── kube-apiserver  :6443 ◄── netpold of each node, the test

RBAC is on, service accounts get tokens that expire, and everything that is asked
for stands in an audit log. Nothing of the control plane runs but these two: the
test is scheduler, kubelet and namespace controller. The programs come from
KUBEBUILDER_ASSETS, or from where `make test-kube` has built them.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import authority
import kube_client
import netns
import world

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("KUBEBUILDER_ASSETS") or ROOT / "build/kube").resolve()
ETCD = ("127.0.0.1", 2379)
PORT = 6443
ALONE = "192.0.2.10"
ACCOUNT = "kube-system/netpold"
USER = "system:serviceaccount:kube-system:netpold"
RBAC = ROOT / "manifests/rbac.yaml"

START_S = 120   # on a machine that does other things, too
STOP_S = 30
LOOK_EVERY_S = 0.05

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
    "rules": [{"level": "None", "users": ["system:apiserver"]}, {"level": "Metadata"}],
}
NO_AUDIT = {**AUDIT_POLICY, "rules": [{"level": "None"}]}
# Without a controller manager there are no default accounts for pods, and nobody
# who would run with what the others demand.
WITHOUT = ("DefaultStorageClass", "DefaultTolerationSeconds", "ServiceAccount")


class KubeServer:
    """Use it in a with statement; all of it is gone afterwards.

    @host       the Host that it runs in; nodes can reach its addresses
    @features   feature gates: {"WatchList": False}
    @audited    whether what is asked for is noted
    @variables  of the environment of both programs, besides the test's
    """

    def __init__(self, host, features=None, audited=True, variables=None):
        self.host = host
        self.features = features or {}
        self.audited = audited
        self.variables = variables or {}
        self.stack = contextlib.ExitStack()
        self.etcd = self.api = None

    def __enter__(self):
        try:
            self._enter()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _enter(self):
        self.folder = pathlib.Path(self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="netpold-kube-")))
        self.stack.callback(self._kill_all)
        self._make_keys()
        (self.folder / "audit-policy.json").write_text(
            json.dumps(AUDIT_POLICY if self.audited else NO_AUDIT))
        self.etcd = self._spawn("etcd", *self._etcd_flags())
        self.start()
        self.client.apply_file(RBAC)

    # ---- its life ------------------------------------------------------------

    def start(self, patience_s=START_S):
        """Start the API server; returns when it is ready."""
        self.api = self._spawn("kube-apiserver", *self._api_flags())
        deadline = time.monotonic() + patience_s
        while not self._is_ready():
            if self.api.poll() is not None or self.etcd.poll() is not None \
                    or time.monotonic() > deadline:
                raise netns.CommandError(f"the API server does not get ready:\n{self._logs()}")
            time.sleep(LOOK_EVERY_S)

    def stop(self, how=signal.SIGTERM):
        """End the API server; etcd goes on."""
        self.api.send_signal(how)
        self.api.wait(STOP_S)

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()

    @contextlib.contextmanager
    def paused(self):
        """It takes connections, and says nothing."""
        self.api.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.api.send_signal(signal.SIGCONT)

    def compact(self):
        """Make etcd forget all that was before now; returns the revision."""
        revision = self._ask_etcd("range", {"key": "AA=="})["header"]["revision"]
        self._ask_etcd("compaction", {"revision": revision, "physical": True})
        return revision

    def _ask_etcd(self, what, question):
        status, text = kube_client.ask(self.host.pid, ETCD, "POST", f"/v3/kv/{what}",
                                       json.dumps(question))
        if status != 200:
            raise netns.CommandError(f"etcd: {what}: {status}: {text}")
        return json.loads(text)

    def _is_ready(self):
        try:
            return self.client.call("GET", "/readyz") == "ok"
        except (OSError, kube_client.KubeError):
            return False

    # ---- who asks ------------------------------------------------------------

    def as_token(self, token):
        """A client that has nothing but a token."""
        return kube_client.KubeClient(self.host.pid, self.client.address, self.authority.file,
                                      token=token)

    def url(self, family="4"):
        address = self.host.addresses[family]
        return f"https://{address if family == '4' else f'[{address}]'}:{PORT}"

    def kubeconfig(self, name, token, family="4"):
        """Write a kubeconfig and its token file: their two paths."""
        path, token_path = self.folder / f"{name}.kubeconfig", self.folder / f"{name}.token"
        put_token(token_path, token)
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "netpold"}}],
            "clusters": [{"name": "test", "cluster": {
                "server": self.url(family), "certificate-authority": str(self.authority.file)}}],
            "users": [{"name": "netpold", "user": {"tokenFile": str(token_path)}}]}))
        return path, token_path

    # ---- what was asked ------------------------------------------------------

    def audit_events(self, user=USER, start=0):
        """What one user has asked for, as the server has noted it, oldest first.

        @start  bytes of the log to leave out: an earlier audit_size()
        """
        with self.audit_log.open("rb") as log:
            log.seek(start)
            lines = log.read().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [event for event in events if event["user"].get("username") == user]

    def audit_size(self):
        return self.audit_log.stat().st_size

    def wait_audit(self, find, patience_s, start=0):
        """The first event of netpold for which find(event) is true; None in vain."""
        deadline = time.monotonic() + patience_s
        while True:
            for event in self.audit_events(start=start):
                if find(event):
                    return event
            if time.monotonic() > deadline:
                return None
            time.sleep(LOOK_EVERY_S)

    # ---- making it -----------------------------------------------------------

    def _make_keys(self):
        self.audit_log = self.folder / "audit.log"
        self.audit_log.touch()
        self.authority = authority.Authority(self.folder)
        self.certificate = self.authority.server(
            *(f"IP:{address}" for address in self.host.addresses.values()), "IP:127.0.0.1")
        self.client = kube_client.KubeClient(
            self.host.pid, (self.host.addresses["4"], PORT), self.authority.file,
            self.authority.client("admin", "system:masters"))

    def _etcd_flags(self):
        url = f"http://{ETCD[0]}:{ETCD[1]}"
        return (f"--data-dir={self.folder}/etcd", f"--listen-client-urls={url}",
                f"--advertise-client-urls={url}", "--listen-peer-urls=http://127.0.0.1:2380",
                "--log-level=warn", "--unsafe-no-fsync")

    def _api_flags(self):
        gates = ",".join(f"{name}={str(value).lower()}" for name, value in self.features.items())
        return (f"--etcd-servers=http://{ETCD[0]}:{ETCD[1]}",
                "--bind-address=::", f"--secure-port={PORT}",
                f"--advertise-address={self.host.addresses['4']}",
                "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
                f"--tls-cert-file={self.certificate[0]}",
                f"--tls-private-key-file={self.certificate[1]}",
                f"--client-ca-file={self.authority.file}",
                "--service-account-issuer=https://kubernetes.default.svc",
                # What tokens are signed with: any will do.
                f"--service-account-key-file={self.certificate[0]}",
                f"--service-account-signing-key-file={self.certificate[1]}",
                "--authorization-mode=RBAC",
                f"--disable-admission-plugins={','.join(WITHOUT)}",
                f"--audit-policy-file={self.folder}/audit-policy.json",
                f"--audit-log-path={self.audit_log}", "--audit-log-mode=blocking",
                # Else it waits a minute for watches to end by themselves.
                "--shutdown-watch-termination-grace-period=1s",
                *((f"--feature-gates={gates}",) if gates else ()))

    def _spawn(self, program, *flags):
        with (self.folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.host.enter(), str(PROGRAMS / program),
                 *flags],
                cwd=self.folder, env=os.environ | self.variables,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)

    def _kill_all(self):
        for process in (self.api, self.etcd):
            if process and process.poll() is None:
                process.kill()
            if process:
                process.wait()

    def _logs(self):
        return "\n".join(f"{program}: …{(self.folder / f'{program}.log').read_text()[-2000:]}"
                         for program in ("etcd", "kube-apiserver"))


@contextlib.contextmanager
def alone():
    """One on a host that has no nodes."""
    host = world.Host("outside", {"4": ALONE})
    try:
        host.wait_ready()
        host.ip(f"address add {ALONE}/32 dev lo")
        with KubeServer(host, audited=False) as server:
            yield server
    finally:
        host.stop()


def put_token(path, token):
    """As a kubelet does: in one step."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(token)
    beside.rename(path)


def must_exist():
    missing = [name for name in ("etcd", "kube-apiserver")
               if not os.access(PROGRAMS / name, os.X_OK)]
    if missing:
        raise netns.CommandError(f"{PROGRAMS} has no {' and no '.join(missing)}; run "
                                 "`make test-kube`, or set KUBEBUILDER_ASSETS")
