"""kubectl and helm bound to one kubeconfig, and a plain reader for readiness."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx

from mintworks_dev import commands, golang


class Client:
    """kubectl and helm, built from their Go modules, for the cluster that `environment` (KUBECONFIG) leads to."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    def kubectl(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl and return what it prints. Raises CommandError when it fails."""
        program = golang.ensure(golang.KUBERNETES).with_name("kubectl")
        return self._run(program, *arguments, stdin=stdin, timeout=timeout)

    def helm(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 600) -> str:
        """Run helm and return what it prints. Raises CommandError when it fails."""
        return self._run(golang.ensure(golang.HELM), *arguments, stdin=stdin, timeout=timeout)

    def _run(self, *command: str | Path, stdin: str | None, timeout: float) -> str:
        return commands.run(*command, env=self.environment, stdin=stdin, timeout=timeout)


class Tools(Client):
    """kubectl and helm for a cluster with a kubeconfig of its own."""

    def __init__(self, kubeconfig: Path) -> None:
        # kubectl remembers for hours which kinds an address has; a new cluster at an old address has others.
        super().__init__({"KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": str(kubeconfig.with_name("cache"))})
        self.kubeconfig = kubeconfig


class Reader:
    """GET requests to the API server at `server`, with the certificate of `user` in `pki`.

    Starting kubectl takes longer than the answer it waits for; a readiness loop uses this.
    """

    def __init__(self, server: str, pki: Path, user: str) -> None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")
        self._http = httpx.Client(base_url=server, verify=context, trust_env=False, timeout=5)

    def get(self, path: str) -> httpx.Response | None:
        """The answer, or None where the server cannot be reached."""
        try:
            return self._http.get(path)
        except httpx.TransportError:
            return None

    def ok(self, path: str) -> bool:
        """Whether `path` answers 200."""
        answer = self.get(path)
        return answer is not None and answer.status_code == httpx.codes.OK

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()
