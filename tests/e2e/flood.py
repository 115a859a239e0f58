# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams, as many as a pod can send: sendmmsg() on every CPU.

Python has no such call; the messages are laid out once, and sent over and over.
"""

import ctypes
import os
import random
import socket
import struct
import threading

import packet

BATCH = 256
N_BATCHES = 16
WORD = b"flood"
# What waits in a queue counts against its sender's socket. Who floods takes many
# sockets; here one has the room of many.
SO_SNDBUFFORCE, SEND_BUFFER = 32, 1 << 26


class _Header(ctypes.Structure):
    """struct msghdr"""
    _fields_ = [("name", ctypes.c_void_p), ("name_len", ctypes.c_uint32),
                ("vectors", ctypes.c_void_p), ("n_vectors", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_len", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class _Message(ctypes.Structure):
    """struct mmsghdr"""
    _fields_ = [("header", _Header), ("len", ctypes.c_uint)]


def _name(address, port):
    """A struct sockaddr_in or sockaddr_in6."""
    family = packet.family_of(address)
    ip = socket.inet_pton(family, address)
    if family == socket.AF_INET:
        return struct.pack("=H", family) + struct.pack("!H", port) + ip + b"\0" * 8
    return struct.pack("=H", family) + struct.pack("!HI", port, 0) + ip + b"\0" * 4


class _Sender:
    """A thread of its own, on one CPU."""

    def __init__(self, cpu, address, ports):
        self.cpu, self.family = cpu, packet.family_of(address)
        self.names = [ctypes.create_string_buffer(_name(address, random.randrange(*ports)))
                      for _ in range(BATCH * N_BATCHES)]
        self.word = ctypes.create_string_buffer(WORD)
        self.vector = (ctypes.c_size_t * 2)(ctypes.addressof(self.word), len(WORD))
        self.messages = (_Message * len(self.names))(*(
            ((ctypes.addressof(name), len(name) - 1, ctypes.addressof(self.vector), 1,
              None, 0, 0), 0) for name in self.names))
        self.count = 0
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        os.sched_setaffinity(0, [self.cpu])
        send = ctypes.CDLL(None).sendmmsg
        with socket.socket(self.family, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER)
            at = 0
            while not self.stopping:
                first = ctypes.byref(self.messages, at * ctypes.sizeof(_Message))
                self.count += max(send(sock.fileno(), first, BATCH, 0), 0)
                at = (at + BATCH) % len(self.names)


class Flood:
    def __init__(self):
        self.senders = []

    def operations(self):
        return {"flood": self.flood, "flooded": self.flooded}

    def flood(self, address, ports):
        """Datagrams with the word "flood" to ports drawn by lot, until flooded()."""
        self.senders = [_Sender(cpu, address, ports) for cpu in os.sched_getaffinity(0)]
        for sender in self.senders:
            sender.thread.start()

    def flooded(self):
        """Returns how many it were."""
        for sender in self.senders:
            sender.stopping = True
        for sender in self.senders:
            sender.thread.join()
        return sum(sender.count for sender in self.senders)
