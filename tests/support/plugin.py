"""`kubectl mintworks` in this process: what it printed, and how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mintworks_cli.main import app
from typer.testing import CliRunner

from support.mintworks import QUIET


@dataclass(frozen=True)
class Said:
    """The end of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What stands on stdout, without blanks at the ends of lines."""
        return [line.rstrip() for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        """What stands on stdout."""
        return json.loads(self.out)


def run(*arguments: str) -> Said:
    """Run it to its end. A bug of its own is raised."""
    found = CliRunner().invoke(app, arguments, prog_name="kubectl mintworks")
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return Said(found.exit_code, found.stdout, found.stderr)


@dataclass(frozen=True)
class Plugin:
    """The plugin, for one namespace of a cluster."""

    kubeconfig: Path
    namespace: str

    def __call__(self, *arguments: str, namespace: str | None = None) -> Said:
        """Run it to its end. A bug of its own is raised."""
        where = ["--kubeconfig", str(self.kubeconfig), "-n", namespace or self.namespace]
        return run(*arguments, *where)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it as a process of its own."""
        where = ["--kubeconfig", str(self.kubeconfig), "-n", self.namespace]
        command = [sys.executable, "-m", "mintworks_cli", *arguments, *where]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **QUIET})

    def done(self, *arguments: str) -> Said:
        """Run it to a good end."""
        found = self(*arguments)
        assert found.code == 0, found
        return found
