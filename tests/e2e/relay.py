# SPDX-License-Identifier: GPL-2.0-or-later
"""What IPVS does with a datagram, done by hand; many kernels lack IPVS.

A Service's address is local to the node, so a packet to it is delivered:
LOCAL_IN. IPVS takes it there, gives it a backend's address, and sends it again
from the node, with the client as its source: LOCAL_OUT. Here a socket takes it
and a raw socket sends it. The answer goes from the backend to the client as it
is; IPVS would put the Service's address back.
"""

import socket
import threading
import time

import packet


class Relay:
    def operations(self):
        return {"relay": self.relay, "ask_anybody": self.ask_anybody}

    def relay(self, address, port, backend, target):
        """Send on what comes to an address of this node."""
        family = packet.family_of(address)
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.bind((address, port))
        threading.Thread(target=self._serve, args=(sock, family, backend, target),
                         daemon=True).start()

    @staticmethod
    def _serve(sock, family, backend, target):
        with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            while True:
                data, client = sock.recvfrom(65536)
                again = packet.udp(client[0], backend, client[1], target, data)
                raw.sendto(again, (backend, 0))

    @staticmethod
    def ask_anybody(address, port, question, timeout_ms):
        """Take an answer from whoever it comes; returns whether one came."""
        with socket.socket(packet.family_of(address), socket.SOCK_DGRAM) as sock:
            sock.sendto(question.encode(), (address, port))
            deadline = time.monotonic() + timeout_ms / 1000
            while (left := deadline - time.monotonic()) > 0:
                sock.settimeout(left)
                try:
                    sock.recv(65536)
                    return True
                except TimeoutError:
                    break
                except OSError:
                    continue  # an ICMP error
        return False
