# SPDX-License-Identifier: GPL-2.0-or-later
"""kubectl, on the host of the API server, as somebody who may do all."""

import json

import kube_server
import netns


class Kubectl:
    """@server  a KubeServer that runs"""

    def __init__(self, server):
        self.server = server
        certificate, key = server.authority.client("kubectl", "system:masters")
        self.config = server.folder / "kubectl.kubeconfig"
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "kubectl"}}],
            "clusters": [{"name": "test", "cluster": {
                "server": server.url(), "certificate-authority": str(server.authority.file)}}],
            "users": [{"name": "kubectl", "user": {
                "client-certificate": str(certificate), "client-key": str(key)}}]}))

    def run(self, *arguments, stdin="", check=True):
        return netns.run(
            *self.server.host.enter(), str(kube_server.PROGRAMS / "kubectl"),
            f"--kubeconfig={self.config}", f"--cache-dir={self.server.folder}/kubectl",
            *map(str, arguments), check=check, stdin=stdin)

    def dry_run(self, *source, stdin=""):
        """What the server would make of manifests, all defaults filled in; it checks them in
        earnest, and keeps nothing.

        @source  "-k", FOLDER or "-f", "-"

        Fails with the server's words where it refuses one.
        """
        done = self.run("apply", "--server-side", "--dry-run=server", "--output=json", *source,
                        stdin=stdin)
        answer = json.loads(done.stdout)
        return answer["items"] if answer["kind"] == "List" else [answer]


def must_exist():
    for program in ("kubectl", "chart"):
        if not (kube_server.PROGRAMS / program).exists():
            raise netns.CommandError(f"{kube_server.PROGRAMS} has no {program}; run "
                                     "`make test-kube`")
