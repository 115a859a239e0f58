# SPDX-License-Identifier: GPL-2.0-or-later
"""What a pod of one container asks for, in the words of runc (OCI runtime specification).

The way is that of a kubelet with a container runtime: see the container runtime
interface. What is not known here is refused, so that a container gets exactly what its
manifest says, or none at all.
"""

import os

import seccomp_profile

SECURITY = {"allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem", "runAsGroup",
            "runAsUser", "seccompProfile"}
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
MASKED = ("/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
          "/sys/firmware", "/sys/devices/virtual/powercap")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
USUAL = (  # where, what, options
    ("/proc", "proc", ("nosuid", "noexec", "nodev")),
    ("/dev", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    ("/dev/pts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
                            "gid=5")),
    ("/dev/shm", "tmpfs", ("nosuid", "noexec", "nodev", "mode=1777", "size=65536k")),
    ("/dev/mqueue", "mqueue", ("nosuid", "noexec", "nodev")),
    ("/sys", "sysfs", ("nosuid", "noexec", "nodev", "ro")),
)


class Unknown(Exception):
    """The manifest says something that is not translated; the message says what."""


def config(pod, container, kubelet, cgroup):
    """The contents of config.json.

    @pod, @container  the pod's spec, and the container of it: with the server's defaults
    @kubelet          knows the image, the node and what the kubelet adds
    """
    security = container["securityContext"]
    _refuse("securityContext", set(security) - SECURITY)
    _refuse("securityContext of the pod", pod.get("securityContext"))
    capabilities = _capabilities(security)
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False, "cwd": "/",
            "user": {"uid": security["runAsUser"], "gid": security["runAsGroup"]},
            "args": _arguments(container, kubelet.image),
            "env": kubelet.image.environment + _environment(container, kubelet),
            # Nothing is inherited, nothing is ambient: as runtimes do.
            "capabilities": {word: sorted(capabilities)
                             for word in ("bounding", "effective", "permitted")},
            "noNewPrivileges": not security["allowPrivilegeEscalation"],
        },
        "root": {"path": str(kubelet.image.rootfs), "readonly": security["readOnlyRootFilesystem"]},
        "mounts": [*({"destination": where, "type": what, "source": what, "options": list(options)}
                     for where, what, options in USUAL), *_volumes(pod, container, kubelet)],
        "linux": {
            "namespaces": _namespaces(pod, kubelet),
            "cgroupsPath": cgroup,
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": list(MASKED), "readonlyPaths": list(READ_ONLY),
            "seccomp": _seccomp(security, capabilities),
        },
    }


def _refuse(what, found):
    if found:
        raise Unknown(f"{what}: {found} is not known here")


def _arguments(container, image):
    if "command" in container:
        return container["command"] + container.get("args", [])
    return image.entrypoint + container.get("args", image.command)


def _environment(container, kubelet):
    values = {}
    for variable in container.get("env", ()):
        if "value" in variable:
            values[variable["name"]] = variable["value"]
            continue
        path = variable["valueFrom"]["fieldRef"]["fieldPath"]
        _refuse("fieldPath", path != "spec.nodeName" and path)
        values[variable["name"]] = kubelet.node_name
    return [f"{name}={value}" for name, value in {**kubelet.environment, **values}.items()]


def _capabilities(security):
    said = security["capabilities"]
    _refuse("capabilities that are not dropped", said["drop"] != ["ALL"] and said)
    return {f"CAP_{name}" for name in said.get("add", ())}


def _seccomp(security, capabilities):
    _refuse("seccompProfile", security["seccompProfile"] != {"type": "RuntimeDefault"}
            and security["seccompProfile"])
    return seccomp_profile.runtime_default(capabilities)


def _namespaces(pod, kubelet):
    """Whose network is the node's, its host name is, too."""
    for word in ("hostPID", "hostIPC"):
        _refuse(word, pod.get(word))
    if not pod.get("hostNetwork"):
        raise Unknown("a network of its own is not known here")
    return [{"type": "network", "path": f"/proc/{kubelet.half.node.pid}/ns/net"},
            *({"type": word} for word in ("pid", "ipc", "mount"))]


def _volumes(pod, container, kubelet):
    by_name = {volume["name"]: volume for volume in pod.get("volumes", ())}
    mounts = [(ACCOUNT, kubelet.account, ["ro"])]
    for mount in container.get("volumeMounts", ()):
        _refuse("volumeMounts", set(mount) - {"name", "mountPath", "readOnly"})
        mounts.append((mount["mountPath"], _host_path(by_name[mount["name"]], kubelet),
                       ["ro" if mount.get("readOnly") else "rw"]))
    return [{"destination": where, "type": "bind", "source": str(source),
             "options": ["rbind", "rprivate", *options]} for where, source, options in mounts]


def _host_path(volume, kubelet):
    _refuse(f"volume {volume['name']}", set(volume) - {"name", "hostPath"})
    path = kubelet.path(volume["hostPath"]["path"])
    kind = volume["hostPath"]["type"]
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o644))
    else:
        raise Unknown(f"hostPath of type {kind} is not known here")
    return path
