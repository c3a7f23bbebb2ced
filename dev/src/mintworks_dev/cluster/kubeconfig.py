"""Kubeconfig files: who someone is, and where the API server is."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import yaml

from mintworks_dev import private


def render(server: str, pki: Path, user: str) -> str:
    """A kubeconfig for `user`, whose key and certificate are in `pki`; they are embedded in it.

    Embedded, the file can be copied and outlives a restart's new keys without mixing old with new.
    """

    def data(name: str) -> str:
        return b64encode((pki / name).read_bytes()).decode()

    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "mintworks", "cluster": {"server": server, "certificate-authority-data": data("ca.crt")}}
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": data(f"{user}.crt"),
                        "client-key-data": data(f"{user}.key"),
                    },
                }
            ],
            "contexts": [{"name": "mintworks", "context": {"cluster": "mintworks", "user": user}}],
            "current-context": "mintworks",
        },
        sort_keys=False,
    )


def write(path: Path, server: str, pki: Path, user: str) -> None:
    """Write `render` to `path`, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    private.write(path, render(server, pki, user).encode())
