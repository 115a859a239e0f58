#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""netpold enforces with no more than its unit for systemd leaves to it.

    client ── TCP 8080 ──► web    allowed
    guest  ── TCP 8080 ──► web    denied

There is no systemd here: what the unit says of capabilities, of new privileges and of
the file system is done to netpold with setpriv(1) and mount(8), and everything else of
that kind is known not to matter to what it does. The topology is drawn in world.py.
"""

import pathlib

import confined_test
import daemon
import netfilter
import scenario
import tap
import world

UNIT = pathlib.Path(__file__).resolve().parents[2] / "manifests/netpold.service"

# What cannot be imitated, and takes nothing away that netpold, or iptables, uses.
HARMLESS = {"KeyringMode", "LockPersonality", "MemoryDenyWriteExecute", "PrivateDevices",
            "PrivateTmp", "ProcSubset", "ProtectClock", "ProtectControlGroups",
            "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectProc",
            "RemoveIPC", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
            "SystemCallArchitectures"}
# What is, below, or is no limit.
IMITATED = {"CapabilityBoundingSet", "NoNewPrivileges", "ProtectSystem", "ProtectHome",
            "ProtectKernelTunables", "ReadWritePaths", "RestrictAddressFamilies",
            "RuntimeDirectory", "StateDirectory", "LogsDirectory"}
LIFE = {"ConfigurationDirectory", "ExecReload", "ExecStart", "ExecStartPre", "KillMode", "LimitNOFILE",
        "OOMScoreAdjust", "Restart", "RestartSec", "RuntimeDirectoryPreserve",
        "StateDirectoryMode", "TimeoutStopSec", "Type", "UMask"}

# All is read-only but for these folders. Those below /var are empty, and nobody else's.
READ_ONLY = """
set -e
mount --make-rprivate /
mount -t tmpfs none /var/log
for folder in $1; do
	mkdir -p $folder
	mount --bind $folder $folder
done
shift
mount -o remount,bind,ro /var/log
mount -o remount,bind,ro /var/lib
mount -o remount,bind,ro /
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec "$@"
"""


def read_unit():
    """The settings of the service, by name."""
    section, settings = "", {}
    for line in UNIT.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings[name] = value
    return settings


def confinement(unit):
    """The words before a command that make it run as the unit does."""
    writable = [unit["ReadWritePaths"], f"/var/lib/{unit['StateDirectory']}",
                f"/var/log/{unit['LogsDirectory']}"]
    names = [name.removeprefix("CAP_").lower() for name in unit["CapabilityBoundingSet"].split()]
    return ("unshare", "--mount", "sh", "-c", READ_ONLY, "sh", " ".join(writable),
            "setpriv", "--bounding-set", ",".join(("-all", *(f"+{name}" for name in names))),
            "--inh-caps", "-all", "--no-new-privs")


def check_world(tap_, world_, unit):
    tap_.section(world_.name)
    program, command, option, _ = unit["ExecStart"].split()
    tap_.equal("the unit runs netpold", ("/usr/local/bin/netpold", "run", "--config"),
               (program, command, option))
    config = world_.node.path("/run/netpold.yaml")
    config.write_text("manifests: /run/manifests\nflow-log: file:/var/log/netpold/flows\n")
    with daemon.Daemon(world_, before=confinement(unit),
                       source=("--config", "/run/netpold.yaml")) as netpold:
        netpold.wait_in_force()
        confined_test.check_judged(tap_, world_, "as the unit confines it")
        netpold.apply(scenario.allow_clients())
        netpold.apply(confined_test.POLICY)
        confined_test.check_judged(tap_, world_, "after changes")
        pid = netpold.process.pid
        tap_.equal("it keeps what the unit leaves to it", {("dac_read_search", "net_admin")},
                   {tuple(confined_test.names_of(status["CapEff"]))
                    for status in confined_test.threads_of(pid)})
        root = pathlib.Path(f"/proc/{pid}/root")
        tap_.true("it writes its log", (root / "var/log/netpold/flows").exists(),
                  "/var/log/netpold/flows", None)
        confined_test.wait_equal(tap_, "it writes what a later start begins with", True,
                                 lambda: any((root / "var/lib/netpold").glob("*")))
        for family in netfilter.FAMILIES:  # the helper puts them up again
            world_.netfilter.change(family, "mangle", "-D", "POSTROUTING", "-j", "NETPOLD")
        netpold.log.wait(lambda line, _at: line if "are put up again" in line else None)
        tap_.equal("it stops as it should", 0, netpold.stop())
    daemon.clean(world_)


def test(tap_):
    unit = read_unit()
    tap_.equal("nothing in the unit is unknown here", set(), set(unit) - HARMLESS - IMITATED - LIFE)
    tap_.equal("it names the kinds of sockets that netpold and iptables use",
               {"AF_UNIX", "AF_NETLINK", "AF_INET", "AF_INET6"},
               set(unit["RestrictAddressFamilies"].split()))
    for backend in world.BACKENDS:
        with world.World("routed", backend, scenario.specs("web", "client", "guest")) as world_:
            world_.folder.put("policies", confined_test.POLICY)
            check_world(tap_, world_, unit)


if __name__ == "__main__":
    tap.main(test)
