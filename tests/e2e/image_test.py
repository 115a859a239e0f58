#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The image has what a node needs, and the netpold that `make` builds.

It was built of the same sources in another folder, by the same compiler in another
installation: two builds give the same bytes.
"""

import hashlib
import os
import pathlib
import re
import stat
import subprocess
import tempfile

import daemon
import image as image_
import netns
import tap

NETPOLD = "/usr/bin/netpold"
# What netpold may run: see daemon/datapath/iptables.c.
PROGRAMS = [f"{ip}-{flavour}{suffix}" for ip in ("iptables", "ip6tables")
            for flavour in ("nft", "legacy") for suffix in ("", "-save", "-restore")]
ABSENT = ("gcc", "make", "cc", "curl", "wget", "python3")


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def find(image, name):
    """Where a program is; links count, wherever they lead."""
    places = (f"{folder}/{name}" for folder in ("/usr/sbin", "/usr/bin", "/usr/local/bin"))
    return [place for place in places if os.path.lexists(image.path(place))]


def bytes_of(program, folder):
    """A digest of a program without symbols, and without the ID, which debug information is
    part of: that has the lines of the distribution's headers, and an update that this
    machine does not have yet moves them, while the code stays as it is."""
    bare = pathlib.Path(folder, "netpold")
    netns.run("strip", "--remove-section=.note.gnu.build-id", "-o", str(bare), str(program))
    return digest(bare)


def check_bytes(tap_, image):
    with tempfile.TemporaryDirectory() as folder:
        tap_.equal("netpold is what `make` builds here, byte for byte",
                   bytes_of(daemon.PROGRAM, folder), bytes_of(image.path(NETPOLD), folder))
    notes = subprocess.run(["readelf", "--notes", image.path(NETPOLD)], capture_output=True,
                           text=True, check=True).stdout
    tap_.true("its bytes have an ID, which debug information was part of", "Build ID" in notes,
              "a build ID", notes)


def check_programs(tap_, image):
    tap_.equal("both flavours of iptables are there", [],
               [name for name in PROGRAMS if not find(image, name)])
    for flavour, word in (("nft", "nf_tables"), ("legacy", "legacy")):
        said = image.run(f"iptables-{flavour}", "--version")
        tap_.true(f"iptables-{flavour} runs, and is that", word in said, word, said)
    tap_.equal("netpold runs, and is of this version",
               netns.run(str(daemon.PROGRAM), "--version").stdout,
               image.run("netpold", "--version"))
    tap_.equal("nothing is there that builds, fetches or interprets", [],
               [name for name in ABSENT if find(image, name)])


def check_files(tap_, image):
    files = [path for path in image.rootfs.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    tap_.comment(f"{len(files)} files, {size >> 20} MiB; built in {image.took}")
    tap_.true("it is smaller than 200 MiB", size < 200 << 20, "200 MiB at most", size)
    lists = [path for path in files if "var/lib/apt/lists" in str(path)]
    tap_.equal("no lists of packages have stayed", [], lists)
    others = [str(path) for path in files if path.stat().st_mode & stat.S_IWOTH]
    tap_.equal("nobody but root may write to a file", [], others)
    tap_.true("it says of which commit it is", re.fullmatch(
        "[0-9a-f]{12,}(-dirty)?", image.labels["org.opencontainers.image.revision"]),
              "a commit", image.labels)
    tap_.equal("it runs netpold, with `run` unless told otherwise", (["netpold"], ["run"]),
               (image.entrypoint, image.command))


def test(tap_):
    daemon.must_exist()
    image = image_.Image()
    check_programs(tap_, image)
    check_bytes(tap_, image)
    check_files(tap_, image)


if __name__ == "__main__":
    tap.main(test)
