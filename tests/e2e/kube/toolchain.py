# SPDX-License-Identifier: GPL-2.0-or-later
"""A Go that is new enough to build the API server: the machine's, or one fetched.

Debian 12 has Go 1.19, the API server needs 1.25. Go's toolchains are modules, so
that whatever gives us the API server's modules gives us the compiler too: the
proxy that GOPROXY names. What comes is held against its checksum in Go's
database, https://sum.golang.org/lookup/golang.org/toolchain@VERSION, which is the
line here; it is kept in the user's cache.
"""

import base64
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
import zipfile

NEEDED = (1, 25)
GO = "1.25.14"
SUMS = {"amd64": "XriDgll2yv4W2YeUo2X/WuUuy+iGJkXGH0CQloMBEXo=",
        "arm64": "tccCYNAEolyjUyQVNxD/wJuly2Sx85m+OUkzGIhO1oY="}
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
PROXY = "https://proxy.golang.org"
TIMEOUT_S = 60  # without a byte
PLACES = ("/usr/local/go/bin", "/usr/lib/go/bin")  # beside $PATH


class NoGo(Exception):
    """There is no Go, and none can be had; the message says why."""


def find():
    """The path of a Go that will do."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *PLACES))
    found = shutil.which("go", path=path)
    if found and version(found) >= NEEDED:
        return pathlib.Path(found)
    why = "there is no go" if not found else \
        f"{found} is Go {'.'.join(map(str, version(found)))}"
    return fetched(f"{why}, and {'.'.join(map(str, NEEDED))} or later is needed")


def version(go):
    """(1, 25), or (0, 0) where it does not say."""
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False,
                          env={**os.environ, "GOTOOLCHAIN": "local"}).stdout
    match = re.match(r"go(\d+)\.(\d+)", said)
    return tuple(map(int, match.groups())) if match else (0, 0)


def fetched(why):
    """The path of the one in the cache, which is filled first.

    @why  for messages: why the machine's own does not do
    """
    machine = MACHINES.get(platform.machine())
    if machine not in SUMS:
        raise NoGo(f"{why}; for {platform.machine()} it has to be installed by hand")
    module = f"golang.org/toolchain@v0.0.1-go{GO}.linux-{machine}"
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache",
                         "netpold")
    home = cache / f"go{GO}-{machine}"
    if not (home / "bin/go").exists():
        print(f"{why}: fetching {module}", flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            file = pathlib.Path(folder, "go.zip")
            _download(module, file, why)
            _unpack(file, module, pathlib.Path(folder), SUMS[machine])
            os.rename(pathlib.Path(folder, module), home)
    return home / "bin/go"


def _download(module, file, why):
    name, _, number = module.partition("@")
    troubles = []
    for proxy in re.split("[,|]", os.environ.get("GOPROXY") or PROXY):
        if proxy in ("direct", "off", ""):
            continue
        url = f"{proxy.rstrip('/')}/{name}/@v/{number}.zip"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, file.open("wb") as out:
                shutil.copyfileobj(answer, out)
            return
        except (OSError, ValueError) as error:
            troubles.append(f"{url}: {error}")
    raise NoGo(f"{why}; it cannot be fetched: {'; '.join(troubles) or 'GOPROXY names no proxy'}")


def _unpack(file, module, folder, expected):
    """Modules know nothing of modes, and nothing called go.mod is in one but its own."""
    with zipfile.ZipFile(file) as archive:
        found = h1(archive)
        if found != expected:
            raise NoGo(f"{module}: its checksum is h1:{found}, and should be h1:{expected}")
        archive.extractall(folder)
    home = folder / module
    for program in (*home.glob("bin/*"), *home.glob("pkg/tool/*/*")):
        program.chmod(0o755)
    for renamed in list(home.glob("**/_go.mod")):
        renamed.rename(renamed.with_name("go.mod"))


def h1(archive):
    """Go's checksum of a module: over the sorted list of its files and their sums."""
    lines = hashlib.sha256()
    for name in sorted(archive.namelist()):
        of_file = hashlib.sha256()
        with archive.open(name) as data:
            while block := data.read(1 << 20):
                of_file.update(block)
        lines.update(f"{of_file.hexdigest()}  {name}\n".encode())
    return base64.b64encode(lines.digest()).decode()
