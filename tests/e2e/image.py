# SPDX-License-Identifier: GPL-2.0-or-later
"""The image that `make test-image` has built: its files and its configuration."""

import json
import os
import pathlib

import netns

FOLDER = pathlib.Path(os.environ.get(
    "NETPOLD_IMAGE", pathlib.Path(__file__).resolve().parents[2] / "build/image")).resolve()


class Image:
    """@folder  what tests/e2e/image/build.py has filled"""

    def __init__(self, folder=FOLDER):
        if not (folder / "image.json").exists():
            raise netns.CommandError(f"{folder} has no image; run `make test-image`")
        said = json.loads((folder / "image.json").read_text())
        self.rootfs, self.took = folder / "rootfs", said["took"]
        self.entrypoint, self.command = said["config"]["Entrypoint"], said["config"]["Cmd"]
        self.environment, self.labels = said["config"]["Env"], said["config"]["Labels"]

    def path(self, path):
        """Where a file of the image is for us."""
        return self.rootfs / path.lstrip("/")

    def run(self, *command):
        """Run one of its programs on its files, with all rights: to ask for its version."""
        return netns.run("chroot", str(self.rootfs), *command).stdout
