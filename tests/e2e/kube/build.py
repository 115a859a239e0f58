#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build etcd, kube-apiserver and kubectl, as they are, and what fills in charts as Helm
does, for `make test-kube`.

usage: build.py FOLDER

The first time this takes some nine minutes on two cores, and downloads 300 MB of
modules; afterwards nearly all comes out of Go's cache.
"""

import os
import pathlib
import re
import subprocess
import sys

import toolchain

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
CHART = HERE.with_name("chart")  # Helm asks for other modules
STAMP = "k8s.io/component-base/version"


def kubernetes():
    """The version that go.mod asks for, as the server is to say it."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)$",
                      (HERE / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    return dict(zip(("gitVersion", "gitMajor", "gitMinor"), found.groups()))


def main(folder):
    go = toolchain.find()
    flags = " ".join(f"-X {STAMP}.{name}={value}" for name, value in kubernetes().items())
    folder.mkdir(parents=True, exist_ok=True)
    return build(go, folder, HERE, flags, PROGRAMS) or build(go, folder, CHART, "", (".",))


def build(go, folder, module, flags, programs):
    """Returns the exit status of Go."""
    return subprocess.run(
        [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {flags}",
         "-o", f"{folder}/", *(f"./{program}" for program in programs)],
        cwd=module, check=False,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly",
             "GOWORK": "off"}).returncode


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
    except toolchain.NoGo as error:
        sys.exit(f"cannot build the API server: {error}")
