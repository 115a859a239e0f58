# SPDX-License-Identifier: GPL-2.0-or-later
"""An API server for tests, in the test's own process, that misbehaves on demand.

    test ── put, delete ──► Store ──► list, watch ──► netpold, in a namespace
         ── add a fault ──► Faults ───┘    │
         ◄── what was asked ── requests ◄──┘

It serves what netpold asks for, list and watch of five resources over HTTP/1.1, as
a real one does (API-10 … API-46), and nothing else. Whoever asks for more, or in a
way that a real server would let pass though no client may, is complained about.

    with Server(namespace) as server:
        server.store.put(manifests.namespace("shop"))
        server.faults.add("pods", "watch", fake_faults.Garbage())

The socket is made inside the namespace, so that only the namespace reaches it.
"""

import concurrent.futures
import ctypes
import socket
import ssl
import threading
import time

import fake_call
import fake_faults
import fake_list
import fake_store
import fake_watch

CLONE_NEWNET = 0x40000000
HANDSHAKE_S = 10
PORT = 6443  # in a namespace, which has one server


def enter(namespace):
    """Take the thread that calls into a network namespace, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/{namespace.pid}/ns/net", "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "cannot enter a network namespace")


def listening_socket(namespace, address):
    """A socket that listens inside a network namespace, or in ours if that is None."""
    def make():
        if namespace:
            enter(namespace)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        return socket.create_server(address, family=family, backlog=64)
    with concurrent.futures.ThreadPoolExecutor(1) as elsewhere:  # it never comes back
        return elsewhere.submit(make).result()


class Server:
    """Use it in a with statement. What is set here holds for the requests to come.

    @namespace  where it listens, as in netns.py; None: where we are
    @tls        files (certificate, key) of it; None: it speaks plain HTTP
    @client_ca  the file of those who may sign clients' certificates
    """

    def __init__(self, namespace=None, tls=None, client_ca=None, host="127.0.0.1", store=None):
        self.namespace, self.host = namespace, host
        self.store = store or fake_store.Store()
        self.faults = fake_faults.Faults()
        self.requests = []    # all of them, as they came
        self.complaints = []  # about clients
        self.given = set()    # versions that a client can know (API-13)
        self.live = set()     # connections
        self.lock = threading.Lock()
        # What the server can, and how it is set up.
        self.prefix = ""             # of all paths (API-64)
        self.tokens = None           # that it takes; None: whoever asks may
        self.forbidden = set()       # (verb, resource) that RBAC does not allow
        self.watch_list = "on"       # "off": refused, "old": ignored (API-31)
        self.metadata_only = True    # it has PartialObjectMetadata (API-40)
        self.gzip = True
        self.serves_cluster_policies = True
        self.gone_as = "event"       # "status": 410 in place of a watch (API-26)
        self.bookmark_s = 60
        self.watch_s = None          # longest life of a watch, whatever was asked for
        self.too_large_s = 0.3       # that it waits for a version to come; really 3
        self.handshake_s = HANDSHAKE_S
        # Of the watches of each resource: when it changes, they end; those of the
        # lost one end for their history is gone.
        self.epochs = dict.fromkeys(fake_store.RESOURCES, 0)
        self.lost_epochs = dict.fromkeys(fake_store.RESOURCES, -1)
        self.tls = None
        self.is_up = False
        # Not one that the kernel might give a client meanwhile.
        self.port = PORT if namespace else 0
        if tls:
            self.set_tls(*tls, client_ca=client_ca)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{self.prefix}"

    # ---- what tests do ----

    def set_tls(self, cert, key, client_ca=None):
        """For the connections to come."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        context.set_alpn_protocols(["http/1.1"])
        if client_ca:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(client_ca)
        self.tls = context

    def start(self):
        """Also again, after stop(): at the same port."""
        self.listener = listening_socket(self.namespace, (self.host, self.port))
        self.port = self.listener.getsockname()[1]
        self.is_up = True
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Nobody listens any more, and whoever was connected no longer is."""
        self.is_up = False
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.hang_up()

    def hang_up(self):
        """End all connections in the middle of what they do."""
        for sock in list(self.live):
            try:
                # Of TLS nothing is told, and its state is another thread's.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass
        self.store.wake()

    def end_watches(self, resources=fake_store.RESOURCES):
        """Their time is over, as that of every watch is some day."""
        for resource in resources:
            self.epochs[resource] += 1
        self.store.wake()

    def lose_history(self, resources=fake_store.RESOURCES):
        """Whoever watches them is told so, and has to list anew (API-26)."""
        self.lost_epochs |= {resource: self.epochs[resource] for resource in resources}
        self.end_watches(resources)

    def asked(self, resource=None, verb=None, since=0):
        """The requests of a resource, or of a verb, from a moment on."""
        with self.lock:
            return [request for request in self.requests
                    if request.at >= since and resource in (None, request.resource)
                    and verb in (None, request.verb)]

    def wait_settled(self, timeout=15):
        """Until every resource is watched, and all there is was sent; whether it is."""
        deadline = time.monotonic() + timeout
        while not (settled := self._is_settled()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return settled

    def _is_settled(self):
        return set(fake_store.RESOURCES) == {
            request.resource for request in self.asked()
            if not request.ended and request.epoch == self.epochs.get(request.resource)
            and request.sent == self.store.version}

    def wait_asked(self, enough, timeout=15, **which):
        """Until enough(requests); returns them, enough or not."""
        deadline = time.monotonic() + timeout
        while not enough(found := self.asked(**which)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def complain(self, about):
        with self.lock:
            self.complaints.append(about)

    # ---- what it does for clients ----

    def answer(self, call):
        asked = call.asked
        path = asked.path.removeprefix(self.prefix)
        resource = next((it for it in fake_store.RESOURCES.values() if it.path == path), None)
        if resource:
            asked.resource = resource.name
            asked.verb = fake_watch.verb_of(asked.query)
        with self.lock:
            self.requests.append(asked)
        if not asked.path.startswith(self.prefix):
            return call.say(404, b"not here\n", "text/plain")
        if not self._is_known(call):
            return call.say_status(401, "Unauthorized")
        fault = self.faults.take(asked.resource, asked.verb)
        if fault.answer(call):
            return None
        return self._answer(call, resource, fault)

    def _answer(self, call, resource, fault):
        asked = call.asked
        is_cluster_policy = "clusternetworkpolicies" in asked.path
        if is_cluster_policy and not self.serves_cluster_policies:
            return call.say(404, b"404 page not found\n", "text/plain; charset=utf-8")
        if not resource or call.command != "GET":
            self.complain(f"{call.command} {asked.path} is more than list and watch (API-1)")
            return call.say_status(403, f"{asked.path} is forbidden")
        verb = "list" if asked.verb == "list" else "watch"
        if (verb, resource.name) in self.forbidden:
            return call.say_status(
                403, f'{resource.name} is forbidden: User "{asked.user}" cannot {verb} '
                f'resource "{resource.name}" in API group "{resource.group}" at the cluster scope',
                details={"group": resource.group, "kind": resource.name})
        try:
            if asked.verb == "list":
                return fake_list.answer(self, call, resource, fault)
            return fake_watch.answer(self, call, resource, fault)
        except fake_store.Unsupported as error:
            return call.say_status(400, str(error))

    def _is_known(self, call):
        """Who it is that asks; false where nobody is known."""
        kind, _, token = call.headers.get("Authorization", "").partition(" ")
        call.asked.user = call.peer_name() or "system:serviceaccount:kube-system:netpold"
        if self.tokens is None or call.peer_name():
            return True
        return kind == "Bearer" and token in self.tokens

    def version_of(self, item):
        """The version of what is being sent: the client knows it from now on."""
        version = item["metadata"]["resourceVersion"]
        self.given.add(version)
        return version

    def check_version(self, asked):
        """API-13: nobody makes versions up."""
        version = asked.query.get("resourceVersion", "")
        if version not in ("", "0") and version not in self.given:
            self.complain(f"{asked.path}: nobody was told of version {version} (API-13)")

    def _accept(self, listener):
        while True:
            try:
                sock, address = listener.accept()
            except OSError:
                return
            threading.Thread(target=fake_call.serve, args=(sock, address, self),
                             daemon=True).start()
