#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the compiler and the linker have done to netpold, read from the program itself.

The numbers are those of elf.h.
"""

import os
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tap  # noqa: E402 (where it is has to be said first)

NETPOLD = os.environ.get(
    "NETPOLD", str(pathlib.Path(__file__).resolve().parents[2] / "build/netpold"))

ET_DYN, EM_X86_64 = 3, 62
PT_LOAD, PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 0x6474e551, 0x6474e552
PF_X, PF_W = 1, 2
DT_NULL, DT_STRTAB, DT_STRSZ, DT_RPATH, DT_RUNPATH, DT_TEXTREL, DT_FLAGS, DT_FLAGS_1 = (
    0, 5, 10, 15, 29, 22, 30, 0x6ffffffb)
DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 8, 1, 0x08000000
ENDBR64 = b"\xf3\x0f\x1e\xfa"  # what -fcf-protection begins a function with


class Elf:
    """A program of 64 bits, little-endian."""

    def __init__(self, path):
        self.data = pathlib.Path(path).read_bytes()
        self.type, self.machine = struct.unpack_from("<HH", self.data, 16)
        start, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        # type, flags, offset, address, (physical), size in the file
        self.segments = [struct.unpack_from("<IIQQQQ", self.data, start + i * size)
                         for i in range(count)]

    def segment(self, kind):
        return next((s for s in self.segments if s[0] == kind), None)

    def content(self, kind):
        segment = self.segment(kind)
        return self.data[segment[2]:segment[2] + segment[5]] if segment else b""

    def dynamic(self):
        tags = {}
        for tag, value in struct.iter_unpack("<QQ", self.content(PT_DYNAMIC)):
            if tag == DT_NULL:
                break
            tags[tag] = value
        return tags

    def names(self):
        """All that it names for the linker at run time."""
        tags = self.dynamic()
        at = next(tags[DT_STRTAB] - s[3] + s[2] for s in self.segments
                  if s[0] == PT_LOAD and s[3] <= tags[DT_STRTAB] < s[3] + s[5])
        return set(self.data[at:at + tags[DT_STRSZ]].decode().split("\0"))


def test(out):
    elf = Elf(NETPOLD)
    tags = elf.dynamic()
    names = elf.names()
    out.equal("it can be anywhere in memory", ET_DYN, elf.type)
    out.true("it is a program that can", tags.get(DT_FLAGS_1, 0) & DF_1_PIE, "DF_1_PIE",
             hex(tags.get(DT_FLAGS_1, 0)))
    out.true("all that is to be linked is before it runs",
             tags.get(DT_FLAGS, 0) & DF_BIND_NOW and tags.get(DT_FLAGS_1, 0) & DF_1_NOW,
             "BIND_NOW", tags)
    out.true("and cannot be written then", elf.segment(PT_GNU_RELRO), "a segment GNU_RELRO", None)
    out.equal("the stack is no code", 0, elf.segment(PT_GNU_STACK)[1] & PF_X)
    out.equal("nothing is both written and run", [],
              [s for s in elf.segments if s[0] == PT_LOAD and s[1] & PF_W and s[1] & PF_X])
    out.equal("no folder is searched for libraries but those of the system", [],
              [tag for tag in (DT_RPATH, DT_RUNPATH, DT_TEXTREL) if tag in tags])
    out.true("stacks are watched", "__stack_chk_fail" in names, "__stack_chk_fail", None)
    out.true("lengths are checked", {"__snprintf_chk", "__memcpy_chk"} & names,
             "functions of _FORTIFY_SOURCE", sorted(name for name in names if "chk" in name))
    if elf.machine == EM_X86_64:
        # Whether the kernel is told to look depends on the C library's part of the program
        # as well, which Debian builds without.
        marks = elf.data.count(ENDBR64)
        out.true("functions are marked as what may be jumped to", marks > 1000,
                 "more than 1000 endbr64", marks)


if __name__ == "__main__":
    tap.main(test)
