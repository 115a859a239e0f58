#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The bill of materials of a netpold that was built on Debian or Ubuntu.

	sbom.py build/netpold > netpold.cdx.json

It is CycloneDX 1.5 (JSON): the program, and each package of the distribution that
it loads libraries of, with its version, its package URL, and which of the others it
needs. It says what is so on this machine, and no more: the same packages give the
same bytes, since neither time nor place is in it.
"""

import functools
import json
import os
import re
import subprocess
import sys
import urllib.parse


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def needed(path):
    """The names of the libraries that a file asks for."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "--dynamic", "--wide", path))


def loaded(program):
    """By name, where the loader finds all libraries of the program."""
    found = {}
    for line in output_of("ldd", program).splitlines():
        match = re.match(r"\s*(\S+) => (/\S+)|\s*(/\S+) \(", line)
        if match:
            path = match[2] or match[3]
            found[os.path.basename(match[1] or path)] = path
    return found


def names_of(path):
    """A file may be known by any of them: /lib is /usr/lib today."""
    real = os.path.realpath(path)
    return dict.fromkeys([path, real, real.removeprefix("/usr"), f"/usr{path}"])


def owners_of(paths):
    """By path, the name of the package that a file belongs to."""
    asked = {name: path for path in paths for name in names_of(path)}
    done = subprocess.run(["dpkg-query", "--search", *asked], capture_output=True, text=True,
                          check=False, timeout=60)
    owners = {}
    for line in done.stdout.splitlines():
        owner, _, name = line.partition(": ")
        if name in asked:
            owners[asked[name]] = owner.split(", ")[0]
    for path in paths:
        if path not in owners:
            sys.exit(f"sbom.py: {path} is of no package: what is built with it has no bill")
    return owners


def packages_of(libraries):
    """By name of the library, (name, version, architecture) of its package."""
    owners = owners_of(libraries.values())
    shown = output_of("dpkg-query", "--show", "--showformat",
                      "${binary:Package}\t${Package}\t${Version}\t${Architecture}\n",
                      *sorted(set(owners.values())))
    known = {}
    for line in shown.splitlines():
        owner, *package = line.split("\t")
        known[owner] = known[package[0]] = tuple(package)
    return {name: known[owners[path]] for name, path in libraries.items()}


@functools.cache
def distribution():
    with open("/etc/os-release", encoding="utf-8") as file:
        found = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    return found["ID"].strip('"'), found.get("VERSION_ID", "").strip('"')


def package_url(package):
    name, version, architecture = package
    vendor, release = distribution()
    return (f"pkg:deb/{vendor}/{urllib.parse.quote(name, safe='')}"
            f"@{urllib.parse.quote(version, safe='~')}?arch={architecture}"
            f"&distro={vendor}-{release}")


def component(package, files):
    name, version, _ = package
    url = package_url(package)
    return {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": version,
        "purl": url,
        "properties": [{"name": "netpold:file", "value": file} for file in sorted(files)],
    }


def bill(program):
    libraries = loaded(program)
    packages = packages_of(libraries)
    version, commit = re.match(r"netpold (\S+)\ncommit +(\S+)",
                               output_of(program, "--version")).groups()
    own = f"netpold@{version}"
    needs = {own: {package_url(packages[name]) for name in needed(program)}}
    for name, path in libraries.items():
        url = package_url(packages[name])
        needs.setdefault(url, set()).update(
            package_url(packages[other]) for other in needed(path) if other in packages)
        needs[url].discard(url)
    files = {}
    for name, package in packages.items():
        files.setdefault(package, []).append(name)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {
            "type": "application",
            "bom-ref": own,
            "name": "netpold",
            "version": version,
            "licenses": [{"license": {"id": "GPL-2.0-or-later"}}],
            "properties": [{"name": "netpold:commit", "value": commit}],
        }},
        "components": [component(package, files[package]) for package in sorted(files)],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needs[ref])} for ref in sorted(needs)],
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    json.dump(bill(sys.argv[1]), sys.stdout, indent=2)
    print()
