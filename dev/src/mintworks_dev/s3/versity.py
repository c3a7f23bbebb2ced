"""An object store on this machine: versitygw, which keeps objects as files and speaks the S3 API."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path
from typing import Self

import httpx

from mintworks_dev import golang
from mintworks_dev.cluster.processes import Parts
from mintworks_dev.cluster.waiting import until
from mintworks_dev.lifetime import UpAndDown

TIMEOUT = 30.0
GATEWAY = "versitygw"
REGION = "eu-central-1"


class Versity(UpAndDown):
    """One gateway on a free port of 127.0.0.1, with `bucket`; it forgets everything. Objects are files in `folder`.

    Its one account is `access_key` and `secret_key`. Beside paths it serves buckets by host: `BUCKET.localhost`.
    """

    bucket = "content"
    access_key = "development"
    secret_key = "development-secret-key"  # noqa: S105 (of a store that is gone after the test)

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="mintworks-s3-"))
        self._parts = Parts(self._root / "parts", self._root / "logs")
        self._port = 0

    @property
    def folder(self) -> Path:
        """The bucket as it is on disk."""
        return self._root / "objects" / self.bucket

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://localhost:{self._port}"

    @property
    def credentials(self) -> str:
        """Its account as AWS's tools keep one."""
        return f"[default]\naws_access_key_id = {self.access_key}\naws_secret_access_key = {self.secret_key}\n"

    def up(self) -> Self:
        """Start it, and return when it answers. Raises NotReadyError with the end of its log when it does not."""
        program = golang.ensure(golang.VERSITYGW)
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        command = [str(program), "--port", f"127.0.0.1:{self._port}", "--region", REGION, "--quiet"]
        command += ["--virtual-domain", f"localhost:{self._port}", "posix", str(self._root / "objects")]
        account = {"ROOT_ACCESS_KEY_ID": self.access_key, "ROOT_SECRET_ACCESS_KEY": self.secret_key}
        self._parts.start(GATEWAY, command, env={**account, "HOME": str(self._root)})
        until(self._answers, "versitygw", TIMEOUT, broken=self._parts.obituary)
        return self

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url, trust_env=False).status_code == httpx.codes.FORBIDDEN
        except httpx.TransportError:
            return False

    def down(self) -> None:
        """Stop it; what it held goes with it."""
        self._parts.stop(GATEWAY)
        shutil.rmtree(self._root, ignore_errors=True)
