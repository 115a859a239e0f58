# SPDX-License-Identifier: GPL-2.0-or-later
"""As much of FTP as conntrack's helper reads.

The server greets on the control connection, and later names a port for a data
connection, which the helper then expects: the kernel takes it for a part of the
control connection. The data connection itself is an ordinary one, to whoever
listens on that port.
"""

import socket
import threading

import packet


def _offer(family, address, port):
    """The server's words for "connect to me there" (RFC 959, RFC 2428)."""
    if family == socket.AF_INET6:
        return f"229 Entering Extended Passive Mode (|||{port}|)\r\n".encode()
    parts = ",".join([*address.split("."), str(port >> 8), str(port & 255)])
    return f"227 Entering Passive Mode ({parts}).\r\n".encode()


class Ftp:
    def __init__(self):
        self.changed = threading.Condition()
        self.served = {}  # family: the control connection, at the server
        self.opened = {}  # family: at the client

    def operations(self):
        return {name: getattr(self, name) for name in ("ftp_serve", "ftp_open", "ftp_offer",
                                                       "ftp_read")}

    def ftp_serve(self, port):
        for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            sock = socket.socket(family, socket.SOCK_STREAM)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((any_address, port))
            sock.listen(4)
            threading.Thread(target=self._accept, args=(family, sock), daemon=True).start()

    def _accept(self, family, listener):
        while True:
            sock, _ = listener.accept()
            sock.sendall(b"220 at your service\r\n")
            with self.changed:
                self.served[family] = sock
                self.changed.notify_all()

    def ftp_open(self, address, port):
        """The client's side: connect, and read the greeting."""
        family = packet.family_of(address)
        self.opened[family] = socket.create_connection((address, port), timeout=10)
        return self.opened[family].recv(256).decode()

    def ftp_offer(self, address, port):
        """The server's side: name a port of its own for data."""
        family = packet.family_of(address)
        with self.changed:
            self.changed.wait_for(lambda: family in self.served, 10)
        self.served[family].sendall(_offer(family, address, port))

    def ftp_read(self, address):
        """The client's side: what the server has said."""
        return self.opened[packet.family_of(address)].recv(256).decode()
