# SPDX-License-Identifier: GPL-2.0-or-later
"""A certificate authority of a test, made by openssl in a folder of the test's."""

import pathlib
import shutil

import netns

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """@folder  gets its files; it has to be there"""

    def __init__(self, folder, name="netpold test CA"):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / f"{_stem(name)}.crt"
        self.key = self.file.with_suffix(".key")
        netns.run("openssl", "req", "-x509", *KEY, "-keyout", str(self.key), "-out",
                  str(self.file), "-days", "2", "-subj", f"/CN={name}")

    def server(self, *names, days=2):
        """(certificate, key) of a server: "IP:127.0.0.1", "DNS:api.example"."""
        return self._sign(_stem("-".join((*names, str(days)))), "/CN=kube-apiserver", days,
                          f"subjectAltName={','.join(names)}", "extendedKeyUsage=serverAuth")

    def client(self, user, group):
        """(certificate, key) of somebody who asks."""
        return self._sign(_stem(user), f"/O={group}/CN={user}", 2,
                          "extendedKeyUsage=clientAuth")

    def copy(self, path):
        """Its certificate, in one step; also over another one."""
        beside = pathlib.Path(f"{path}.new")
        shutil.copy(self.file, beside)
        beside.rename(path)

    def _sign(self, stem, subject, days, *extensions):
        cert, asks, about = (self.folder / f"{self.file.stem}.{stem}.{word}"
                             for word in ("crt", "csr", "ext"))
        key = cert.with_suffix(".key")
        about.write_text("\n".join(extensions) + "\n", encoding="ascii")
        netns.run("openssl", "req", *KEY, "-keyout", str(key), "-out", str(asks),
                  "-subj", subject)
        netns.run("openssl", "x509", "-req", "-in", str(asks), "-CA", str(self.file), "-CAkey",
                  str(self.key), "-CAcreateserial", "-days", str(days), "-extfile", str(about),
                  "-out", str(cert))
        return cert, key


def _stem(text):
    return "".join(letter if letter.isalnum() else "_" for letter in text)
