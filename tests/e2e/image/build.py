#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build the image of manifests/Dockerfile, for `make test-image`.

usage: build.py FOLDER COMMIT

No registry is asked. The base is made here, of packages of the distribution that this
machine has, from where this machine has its own; so what compiles netpold in the image
is what compiles it here. COMMIT is what the sources are called. FOLDER gets

    base.tar    the base; kept, and used again
    rootfs/     the image's files
    image.json  its configuration (OCI), and how long each step took
"""

import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
DOCKERFILE = ROOT / "manifests/Dockerfile"
BASE, IMAGE = "localhost/netpold-base", "localhost/netpold"
EPOCH = 1


def must(*command, **more):
    """Run a command to its end; returns what it writes to standard output."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=False,
                          **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def distribution():
    """(release, lines of sources.list): where this machine has its packages from."""
    about = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    name = re.search(r"^ID=\"?(\w+)", about, re.M)[1]
    release = re.search(r"^VERSION_CODENAME=\"?(\w+)", about, re.M)[1]
    found = must("apt-get", "indextargets", "--format",
                 "$(REPO_URI) $(RELEASE) $(COMPONENT) $(SIGNED_BY)", "Created-By: Packages")
    lines = []
    for uri, suite, component, *key in sorted({tuple(line.split()) for line in found.splitlines()}):
        if suite.startswith(release) and f"/{name}" in uri:
            option = f"[signed-by={key[0]}] " if key and key[0].startswith("/") else ""
            lines.append(f"deb {option}{uri} {suite} {component}")
    return release, lines


def make_base(file):
    release, sources = distribution()
    beside = file.with_name(f"new-{file.name}")
    # As in images that registries have: no file is waited for until it is on a disk.
    must("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root",
         "--dpkgopt=force-unsafe-io", release, beside, *sources)
    beside.rename(file)


class Buildah:
    """@folder  where images are meanwhile"""

    def __init__(self, folder):
        self.command = ("buildah", "--root", folder / "images", "--runroot", folder / "run",
                        "--storage-driver", "overlay")

    def __call__(self, word, *arguments):
        return must(*self.command, word, *arguments).strip()

    @contextlib.contextmanager
    def container(self, image):
        name = self("from", "--pull-never", image) if image != "scratch" else self("from", image)
        try:
            yield name
        finally:
            self("rm", name)

    def import_base(self, tar):
        with self.container("scratch") as name:
            self("add", "--quiet", name, tar, "/")
            self("commit", "--quiet", name, BASE)

    def build(self, commit):
        # The steps need the network for packages, and nothing else of this machine.
        self("build", "--quiet", "--pull-never", "--isolation=chroot", "--network=host",
             f"--timestamp={EPOCH}", "--build-arg", f"BASE={BASE}",
             "--build-arg", f"COMMIT={commit}",
             "--ignorefile", ROOT / ".dockerignore",
             "--file", DOCKERFILE, "--tag", IMAGE, ROOT)

    def export(self, folder):
        with self.container(IMAGE) as name:
            mounted = self("mount", name)
            try:
                must("cp", "--archive", f"{mounted}/.", folder)
            finally:
                self("umount", name)


def make_image(folder, base, commit, took):
    with tempfile.TemporaryDirectory(dir=folder) as images:
        buildah = Buildah(pathlib.Path(images))
        with timed(took, "build_s"):
            buildah.import_base(base)
            buildah.build(commit)
        with timed(took, "export_s"):
            shutil.rmtree(folder / "rootfs", ignore_errors=True)
            (folder / "rootfs").mkdir()
            buildah.export(folder / "rootfs")
        return json.loads(buildah("inspect", "--type", "image", IMAGE))["OCIv1"]["config"]


@contextlib.contextmanager
def timed(took, word):
    start = time.monotonic()
    yield
    took[word] = round(time.monotonic() - start, 1)


def main(folder, commit):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.json").unlink(missing_ok=True)
    took = {}
    base = folder / "base.tar"
    if not base.exists():
        with timed(took, "base_s"):
            make_base(base)
    config = make_image(folder, base, commit, took)
    (folder / "image.json").write_text(json.dumps({"config": config, "took": took}, indent=1))
    print(f"  image   {took}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2])
