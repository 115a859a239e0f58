#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is handed on: `netpold --version` tells what it was built of, the bill of materials is
what the loader and dpkg say, `make install` puts everything where it belongs, and the Debian
package is in order, unpacks, runs, and comes out the same twice.

Prints TAP. NETPOLD names the program (default: build/netpold); what it was built in is what
is packed.
"""

import functools
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent / "e2e")]
import page  # noqa: E402
import tap  # noqa: E402
import told  # noqa: E402

ROOT = page.ROOT
BUILD = pathlib.Path(told.NETPOLD).parent
PATIENCE_S = 300
# The words of --version, and the libraries that they are about.
LIBRARIES = {
    "curl": "libcurl.so.4",
    "gnutls": "libgnutls.so.30",
    "jansson": "libjansson.so.4",
    "libmicrohttpd": "libmicrohttpd.so.12",
    "libpcap": "libpcap.so.0.8",
    "libyaml": "libyaml-0.so.2",
}


def output_of(*command, **how):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=True, timeout=PATIENCE_S, **how).stdout


def make(*words):
    """In the build that is tested, which is finished: nothing of it is made again."""
    env = {key: value for key, value in os.environ.items()
           if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    commit = (BUILD / "commit").read_text(encoding="utf-8").strip()
    return output_of("make", "-C", ROOT, "--no-print-directory", f"BUILD={BUILD}",
                     f"COMMIT={commit}", *words, env=env)


@functools.cache
def loaded():
    """{name of a library: the package that it is of, as name=version}, by ldd and dpkg."""
    found = {}
    for line in output_of("ldd", told.NETPOLD).splitlines():
        words = line.split()
        path = next((word for word in words if word.startswith("/")), None)
        if not path:
            continue  # the kernel's own
        for name in (path, os.path.realpath(path), os.path.realpath(path).removeprefix("/usr")):
            done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                package = done.stdout.split(": ")[0].split(",")[0]
                found[os.path.basename(words[0])] = output_of(
                    "dpkg-query", "-W", "-f", "${Package}=${Version}", package)
                break
    return found


def test_version(tap_, packages):
    lines = output_of(told.NETPOLD, "--version").splitlines()
    version = re.search(r"^VERSION := (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"),
                        re.MULTILINE)[1]
    tap_.equal("--version: the first line is the version", f"netpold {version}", lines[0])
    facts = dict(line.split(maxsplit=1) for line in lines[1:])
    tap_.equal("--version: facts, in this order", ["commit", "compiler", "libraries", "features"],
               list(facts))
    tap_.true("--version: the commit is that of the build",
              facts["commit"] == (BUILD / "commit").read_text(encoding="utf-8").strip() and
              re.fullmatch(r"[0-9a-f]{12}(-dirty)?|unknown", facts["commit"]),
              "12 digits, or unknown", facts["commit"])
    tap_.true("--version: the compiler has a version",
              re.match(r"(gcc|clang) \d+\.\d+", facts["compiler"]), "gcc 12.2", facts["compiler"])
    said = dict(word.split() for word in facts["libraries"].split(", "))
    tap_.equal("--version: the libraries that have a version to tell", sorted(LIBRARIES), sorted(said))
    for word, soname in LIBRARIES.items():
        known = packages.get(soname, "").split("=")[-1]
        upstream = re.sub(r"^\d+:|-[^-]*$", "", known)
        tap_.true(f"--version: {word} is what dpkg says", upstream.startswith(said[word]), known,
                  said[word])


def test_bill(tap_, packages):
    command = [sys.executable, "-B", ROOT / "manifests" / "sbom.py", told.NETPOLD]
    text = output_of(*command)
    bill = json.loads(text)
    tap_.equal("the bill says what it is", ("CycloneDX", "1.5", 1),
               (bill["bomFormat"], bill["specVersion"], bill["version"]))
    own = bill["metadata"]["component"]
    tap_.equal("the bill is about this netpold", output_of(told.NETPOLD, "--version").split()[:2],
               [own["name"], own["version"]])
    tap_.equal("the bill has the packages of all that ldd finds, with dpkg's versions, and no other",
               sorted(set(packages.values())),
               sorted(f"{part['name']}={part['version']}" for part in bill["components"]))
    tap_.equal("the bill has all files that ldd finds", sorted(packages), sorted(
        entry["value"] for part in bill["components"] for entry in part["properties"]))
    tap_.equal("package URLs name the packages", [], [
        part["purl"] for part in bill["components"]
        if not part["purl"].startswith("pkg:deb/") or f"/{part['name'].replace('+', '%2B')}@" not in part["purl"]])
    refs = {own["bom-ref"], *(part["bom-ref"] for part in bill["components"])}
    tap_.equal("who needs whom: each part is told of once", sorted(refs),
               sorted(entry["ref"] for entry in bill["dependencies"]))
    tap_.equal("who needs whom: all are parts", set(), {
        ref for entry in bill["dependencies"] for ref in entry["dependsOn"]} - refs)
    tap_.true("nothing is in it that nobody needs", refs - {own["bom-ref"]} == {
        ref for entry in bill["dependencies"] for ref in entry["dependsOn"]}, "none",
        sorted(refs - {ref for entry in bill["dependencies"] for ref in entry["dependsOn"]}))
    tap_.true("the bill is the same when it is made again", text == output_of(*command),
              "the same bytes", "others")
    done = subprocess.run([*command[:-1], "/bin/false"], capture_output=True, text=True, check=False)
    tap_.true("there is no bill of what is no netpold", done.returncode != 0 and not done.stdout,
              "a failure", done.stdout[:200])


def files_below(folder):
    return {str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*")
            if not path.is_dir()}


def program_files(suffix=""):
    """What both `make install` and the package have."""
    pages = {f"share/man/man{path.suffix[1]}/{path.name}{suffix}"
             for path in (ROOT / "manifests" / "man").iterdir()}
    schemas = {f"share/netpold/schema/{path.name}"
               for path in (ROOT / "include" / "netpold" / "schema").glob("*.json")}
    return {"bin/netpold", "share/bash-completion/completions/netpold",
            "share/doc/netpold/README.md", "share/doc/netpold/manifests.md",
            "share/doc/netpold/examples/rbac.yaml", *pages, *schemas}


def test_install(tap_):
    with tempfile.TemporaryDirectory() as folder:
        make("-s", "install", f"DESTDIR={folder}", "PREFIX=/usr")
        there = files_below(f"{folder}/usr")
        tap_.equal("make install: the program and what belongs to it", set(), program_files() - there)
        tap_.equal("make install: the library and its headers", set(), {
            "lib/libnetpold.a", *(f"include/netpold/{path.name}"
                                  for path in (ROOT / "include" / "netpold").glob("*.h"))} - there)
        tap_.equal("make install: nothing outside of the prefix", [],
                   sorted(path for path in files_below(folder) if not path.startswith("usr/")))
        tap_.true("make install: what is installed runs",
                  output_of(f"{folder}/usr/bin/netpold", "--version").startswith("netpold "),
                  "netpold …", "something else")


def the_package():
    make("-s", "deb")
    found = sorted(BUILD.glob("netpold_*.deb"))
    return found[-1]


def test_deb(tap_):
    deb = the_package()
    first = deb.read_bytes()
    tap_.true("make deb: the package is the same when it is made again",
              the_package().read_bytes() == first, "the same bytes", "others")
    fields = dict(re.findall(r"^([\w-]+): (.*)$", output_of("dpkg-deb", "--field", deb), re.MULTILINE))
    version = output_of(told.NETPOLD, "--version").split()[1]
    tap_.equal("make deb: name, version and machine", ("netpold", version, output_of(
        "dpkg", "--print-architecture").strip()),
        (fields["Package"], fields["Version"], fields["Architecture"]))
    needs = {word.split()[0] for word in fields["Depends"].split(", ")}
    direct = {name.split("=")[0] for name in loaded().values()} & needs
    tap_.true("make deb: it depends on its libraries, and on iptables",
              {"iptables", "libc6", "libyaml-0-2", "libjansson4"} <= needs and len(direct) > 8,
              "libc6, libyaml-0-2, …", sorted(needs))
    with tempfile.TemporaryDirectory() as folder:
        output_of("dpkg", "-x", deb, folder)
        there = files_below(f"{folder}/usr")
        tap_.equal("make deb: the program and what belongs to it", set(), program_files(".gz") - there)
        tap_.equal("make deb: what Debian asks for, and the bill", set(), {
            f"share/doc/netpold/{name}"
            for name in ("changelog.gz", "copyright", "netpold.cdx.json")} - there)
        tap_.equal("make deb: what is unpacked runs, as the same netpold",
                   output_of(told.NETPOLD, "--version"),
                   output_of(f"{folder}/usr/bin/netpold", "--version"))
        cluster = ROOT / "manifests" / "examples"
        tap_.true("make deb: and does its work", "0 errors" in output_of(
            f"{folder}/usr/bin/netpold", "check", cluster / "cluster.yaml", cluster / "now"),
            "0 errors", "something else")
        with gzip.open(f"{folder}/usr/share/man/man8/netpold.8.gz", "rt", encoding="utf-8") as file:
            tap_.true("make deb: pages are packed as they are", file.read() == (
                ROOT / "manifests" / "man" / "netpold.8").read_text(encoding="utf-8"),
                "netpold.8", "another")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", deb],
                          capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    tap_.equal("make deb: lintian finds neither errors nor warnings", (0, ""),
               (done.returncode, done.stdout + done.stderr))


def test(tap_):
    packages = loaded()
    test_version(tap_, packages)
    test_bill(tap_, packages)
    test_install(tap_)
    test_deb(tap_)


if __name__ == "__main__":
    tap.main(test)
