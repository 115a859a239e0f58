# SPDX-License-Identifier: GPL-2.0-or-later
"""A kubeconfig, written as a test needs it (API-63). JSON is YAML."""

import json
import os
import pathlib


def put(path, text, mode=0o600):
    """A file in one step, also over another one, as those who rotate secrets do it."""
    beside = pathlib.Path(f"{path}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(mode)
    os.rename(beside, path)


def contents(cluster, user):
    """@cluster, @user  the words of the kubeconfig's own: {"server": …}"""
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "netpold"}}],
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "netpold", "user": user}]}, indent=1)


def write(path, cluster, user=None):
    put(path, contents(cluster, user or {}))
