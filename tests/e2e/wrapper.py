# SPDX-License-Identifier: GPL-2.0-or-later
"""Puts a script in the place of iptables, for one process and its children."""

import pathlib
import shutil

REAL, WRAPPER = "/run/xtables-real", "/run/xtables-wrapper"


def before(world, script):
    """The words before a command that make it find the script, however it looks.

    @script  of sh; {real} "$name" "$@" is the real program
    """
    program = pathlib.Path(shutil.which(f"iptables-{world.backend}")).resolve()
    shutil.copy(program, world.node.path(REAL))
    wrapper = world.node.path(WRAPPER)
    wrapper.write_text('#!/bin/sh\nname=$(basename "$0")\n' + script.replace("{real}", REAL))
    wrapper.chmod(0o755)
    return ("unshare", "--mount", "sh", "-c", f'mount --bind {WRAPPER} {program} && exec "$@"',
            "sh")
