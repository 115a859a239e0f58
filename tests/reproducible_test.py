#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two builds give the same bytes, wherever and whenever they are made.

A copy of the sources and of the build, in another folder, gets one object of each room made
anew, and the program linked anew: what could differ is a path, a time or an order, and that
would differ in any of them.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent / "e2e")]
import page  # noqa: E402
import tap  # noqa: E402
import told  # noqa: E402

ROOT = page.ROOT
BUILD = pathlib.Path(told.NETPOLD).parent
# What tells of the build, and what takes a file in as it is.
ALWAYS = ["daemon/build_facts.o", "daemon/page/page.o", "daemon/main.o"]


def one_of_each_room():
    """Objects of the program, the first by name of each folder."""
    found = {}
    for top in ("daemon", "policy"):
        for path in sorted((BUILD / top).rglob("*.o")):
            found.setdefault(path.parent, path.relative_to(BUILD))
    return sorted({*map(str, found.values()), *ALWAYS})


def copy_of(folder):
    """The sources and the build, with their times; the tests are not needed."""
    for name in ("Makefile", "daemon", "include", "policy"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, os.path.join(folder, name))
    for name in ("daemon", "policy"):
        shutil.copytree(BUILD / name, os.path.join(folder, "build", name),
                        ignore=shutil.ignore_patterns("*.d"))
    shutil.copy2(BUILD / "commit", os.path.join(folder, "build", "commit"))


def build_again(folder, objects):
    for name in objects:
        os.unlink(os.path.join(folder, "build", name))
    env = {key: value for key, value in os.environ.items()
           if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    commit = (BUILD / "commit").read_text(encoding="utf-8").strip()
    return subprocess.run(["make", "-s", "-C", folder, f"COMMIT={commit}", "build/netpold"], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=300)


def test(tap_):
    objects = one_of_each_room()
    with tempfile.TemporaryDirectory() as folder:
        copy_of(folder)
        done = build_again(folder, objects)
        tap_.true("it can be built in another folder", done.returncode == 0, "0",
                  f"{done.returncode}\n{done.stdout}")
        for name in objects:
            tap_.true(f"{name} comes out the same",
                      pathlib.Path(folder, "build", name).read_bytes() == (BUILD / name).read_bytes(),
                      "the same bytes", "others: or this build has objects of other flags in it, "
                      "which `make clean` ends")
        again = pathlib.Path(folder, "build", "netpold").read_bytes()
        tap_.true("netpold comes out the same", again == pathlib.Path(told.NETPOLD).read_bytes(),
                  "the same bytes", "others")
        tap_.true("where it was built is not in it", folder.encode() not in again and
                  str(ROOT).encode() not in again, "no such path", "a path")


if __name__ == "__main__":
    tap.main(test)
