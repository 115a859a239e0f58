# SPDX-License-Identifier: GPL-2.0-or-later
"""The seccomp profile that a container runtime has for everybody, as runc wants it.

What Kubernetes calls RuntimeDefault is the runtime's own: here that of CRI-O, Podman and
Buildah, which is a file of a package and is nearly Docker's and containerd's. It names
conditions, which depend on the capabilities of the container; runc wants them settled.
"""

import json
import pathlib
import platform

import netns

FILE = pathlib.Path("/usr/share/containers/seccomp.json")
ARCHITECTURES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"),
                 "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}


def runtime_default(capabilities):
    """@capabilities  of the container: {"CAP_NET_ADMIN"}"""
    if not FILE.exists():
        raise netns.CommandError(f"there is no {FILE}; `make test-image` installs it")
    said = json.loads(FILE.read_text(encoding="utf-8"))
    name, architecture = ARCHITECTURES[platform.machine()]
    others = [item["subArchitectures"] for item in said["archMap"]
              if item["architecture"] == architecture]
    rules = [{key: rule[key] for key in ("names", "action", "errnoRet", "args") if rule.get(key)}
             for rule in said["syscalls"] if _applies(rule, name, capabilities)]
    return {"defaultAction": said["defaultAction"],
            **({"defaultErrnoRet": said["defaultErrnoRet"]} if "defaultErrnoRet" in said else {}),
            "architectures": [architecture, *(others[0] or () if others else ())],
            "syscalls": rules}


def _applies(rule, architecture, capabilities):
    includes, excludes = (rule.get(word) or {} for word in ("includes", "excludes"))
    return ((not includes.get("arches") or architecture in includes["arches"])
            and architecture not in (excludes.get("arches") or ())
            and set(includes.get("caps") or ()) <= capabilities
            and not set(excludes.get("caps") or ()) & capabilities
            and _kernel() >= _version(includes.get("minKernel") or "0.0"))


def _kernel():
    return _version(platform.release())


def _version(text):
    """(6, 18) of "6.18.44-1"."""
    return tuple(int(word) for word in text.split("-")[0].split(".")[:2])
