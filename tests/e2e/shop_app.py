# SPDX-License-Identifier: GPL-2.0-or-later
"""A shop that is a real application: Apache, Redis, dnsmasq and two programs in
Python, each in a pod of its own, and those who use it.

   outside ─8080─► front (2) ─8080─► api (2) ─6379─► cache       all but the outside
                                      │ │ └──8000──► db ◄─ backup  and scraper ask dns
   outside ◄─8443─ (hook)  ───────────┘ └──9102───── scraper       for names
                                                     idle: nobody

    pods                namespace   workload               serves
    front-1, front-2    shop        Deployment front       Apache, a proxy: http
    api-1, api-2        shop        Deployment api         http, metrics
    cache               shop        Deployment cache       Redis
    db                  shop        StatefulSet db         sql
    backup              shop        CronJob backup
    idle                shop        Deployment idle
    scraper             monitoring  StatefulSet prometheus
    dns                 kube-system Deployment coredns     dnsmasq
"""

import os
import pathlib
import subprocess
import sys
import time

import daemon
import manifests
import netns
from world import OUTSIDE, PodSpec

PROGRAM = pathlib.Path(__file__).with_name("shop_service.py")
MODULES = "/usr/lib/apache2/modules"
DOMAIN = "shop.svc.cluster.local"
HASH = "7d4b9c6f5d"
FAR = "192.0.2.70"  # another address outside

# Of the owner as the cluster has it: kind, name.
OWNERS = {
    "front": ("ReplicaSet", f"front-{HASH}"), "api": ("ReplicaSet", f"api-{HASH}"),
    "cache": ("ReplicaSet", f"cache-{HASH}"), "db": ("StatefulSet", "db"),
    "backup": ("Job", "backup-28391220"), "idle": ("ReplicaSet", f"idle-{HASH}"),
    "scraper": ("StatefulSet", "prometheus"), "dns": ("ReplicaSet", f"coredns-{HASH}"),
}
NAMESPACES = {"scraper": "monitoring", "dns": "kube-system"}
PORTS = {
    "front": (("http", 8080, "TCP"),), "api": (("http", 8080, "TCP"), ("metrics", 9102, "TCP")),
    "cache": (("redis", 6379, "TCP"),), "db": (("sql", 8000, "TCP"),),
    "dns": (("dns", 53, "UDP"), ("dns-tcp", 53, "TCP")),
}
PODS = ("front-1", "front-2", "api-1", "api-2", "cache", "db", "backup", "idle", "scraper", "dns")

# mod_unixd is part of the program in Debian. Each request asks for the name anew.
APACHE = """\
ServerRoot {folder}
ServerName front
PidFile {folder}/{pod}.pid
ErrorLog {folder}/{pod}.log
User nobody
Group nogroup
Listen 8080
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
StartServers 1
MinSpareThreads 1
ThreadsPerChild 8
ProxyPass "/" "http://api.{domain}:8080/" disablereuse=on
"""


def role_of(pod):
    return pod.partition("-")[0]


def specs():
    return [PodSpec(pod, namespace=NAMESPACES.get(role_of(pod), "shop"), families="4") for pod in PODS]


def labels_of(role):
    labels = {"k8s-app": "kube-dns"} if role == "dns" else {"app": role}
    if OWNERS[role][0] == "ReplicaSet":
        labels["pod-template-hash"] = HASH
    return labels


def cluster(world, mode=None):
    """Its objects; @mode: "audit" stages all policies of its namespaces."""
    objects = [manifests.namespace(name) for name in ("kube-system", "monitoring", "shop")]
    if mode:
        objects = [manifests.with_mode(mode, item) for item in objects]
    objects.append(manifests.node(world.node_name, ["10.66.0.0/24"]))
    for pod in PODS:
        role = role_of(pod)
        made = manifests.pod(pod, NAMESPACES.get(role, "shop"), world.node_name,
                             [world.address(pod, "4")], labels_of(role), PORTS.get(role, ()))
        kind, name = OWNERS[role]
        made["metadata"]["ownerReferences"] = [
            {"apiVersion": "v1", "kind": kind, "name": name, "uid": "u", "controller": True}]
        objects.append(made)
    return objects


def deny_all():
    return [manifests.policy("deny-all", name, {}, ingress=[], egress=[])
            for name in ("kube-system", "monitoring", "shop")]


class Application:
    """Use it in a with statement, in a world of specs(): it runs meanwhile.

    @folder  for what the services write
    """

    def __init__(self, world, folder):
        self.world, self.folder = world, pathlib.Path(folder)
        self.processes = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def _command(self, host, *command):
        """In the host's namespace, with names from the pod dns, and below a shell that is
        the first of its own processes: whatever they do, they end with it."""
        return [*self.world[host].enter(), "unshare", "--mount", "--pid", "--fork", "--kill-child",
                "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && "$@"; exit $?', str(self.folder / "resolv.conf"),
                *map(str, command)]

    def _run(self, host, *command):
        try:
            self.processes.append(subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._command(host, *command)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
                stderr=(self.folder / f"{host}.err").open("w")))
        except FileNotFoundError as error:
            raise netns.CommandError(f"{error.filename}: `make deps` installs it") from None

    def _service(self, host, *words):
        self._run(host, sys.executable, "-B", PROGRAM, *words)

    def _start(self):
        address = {pod: self.world.address(pod, "4") for pod in PODS}
        (self.folder / "resolv.conf").write_text(f"nameserver {address['dns']}\n")
        self.folder.chmod(0o755)
        names = [f"--host-record={name}.{DOMAIN},{address[pod]}" for name, pod in (
            ("api", "api-1"), ("api", "api-2"), ("cache", "cache"), ("db", "db"))]
        self._run("dns", "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                  "--no-resolv", "--no-hosts", "--user=root", "--pid-file=", *names,
                  f"--host-record=hook.example.org,{OUTSIDE['4']}")
        # The package redis-tools has the server under another name, and starts none
        # when it is installed.
        redis = self.folder / "redis-server"
        os.symlink("/usr/bin/redis-check-rdb", redis)
        self._run("cache", redis, "--save", "", "--dir", self.folder, "--protected-mode", "no")
        self._service("db", "db")
        self._service("api-1", "api")
        self._service("api-2", "api")
        self._service("outside", "hook")
        for pod in ("front-1", "front-2"):
            config = self.folder / f"{pod}.conf"
            config.write_text(APACHE.format(folder=self.folder, pod=pod, modules=MODULES,
                                            domain=DOMAIN))
            self._run(pod, "/usr/sbin/apache2", "-DFOREGROUND", "-f", config)
        self._wait_ready()

    def _wait_ready(self):
        for front in ("front-1", "front-2"):
            for page in ("item/ready", "order/ready"):
                self._wait(lambda: self.use("outside", "ask", self.url(front, page), 1).returncode == 0)
        self._wait(lambda: all(
            self.use("scraper", "ask", self.url(api, "metrics", 9102), 1).returncode == 0
            for api in ("api-1", "api-2")))

    def _wait(self, is_ready):
        deadline = time.monotonic() + daemon.PATIENCE
        while not is_ready():
            if time.monotonic() > deadline:
                raise netns.CommandError("the application does not start:\n" + "\n".join(
                    path.read_text() for path in sorted(self.folder.glob("*.err"))))

    def url(self, host, page, port=8080):
        return f"http://{self.world.address(host, '4')}:{port}/{page}"

    def use(self, host, *words):
        """shop_service.py with these words, to its end."""
        return netns.run(*self._command(host, sys.executable, "-B", PROGRAM, *words), check=False)

    def day(self):
        """What its users do: those who were served, by what they did; and backup, once."""
        jobs = [("outside", "ask", self.url(front, f"{page}/{number}"), 2, source)
                for number, source in enumerate((OUTSIDE["4"], FAR))
                for front in ("front-1", "front-2") for page in ("item", "order")]
        jobs += [("scraper", "ask", self.url(api, "metrics", 9102), 2) for api in ("api-1", "api-2")]
        jobs.append(("backup", "backup"))
        return {f"{host}: {' '.join(map(str, words))}": self.use(host, *words).returncode == 0
                for host, *words in jobs}
