"""A run laid out on disk as the protocol says, and ways to run it: in this process, or as the process a pod starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mintworks_runners.core.channel import open_channel
from mintworks_runners.core.context import JobContext
from mintworks_runners.core.process import run_job
from mintworks_runners.core.protocol import Environment, RunSpec
from mintworks_runners.core.registry import runner_of
from mintworks_runners.core.report import Reporter
from mintworks_runners.core.sources import SourceReader
from mintworks_runners.core.stop import StopSignal


@dataclass
class Run:
    """One run below `root`. Change `spec`, `inputs`, `dependencies`, put files with `mount`, then run."""

    root: Path
    kind: str
    spec: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    dependencies: dict[str, Any] = field(default_factory=dict)
    redis_url: str | None = None
    with_channel: bool = True

    @property
    def environment(self) -> Environment:
        """The environment of the run; its directories exist afterwards."""
        parts = {name: self.root / name for name in ("mounts", "work", "state", "channel")}
        for path in parts.values():
            path.mkdir(parents=True, exist_ok=True)
        redis_file = self.root / "redis-url"
        if self.redis_url:
            redis_file.write_text(self.redis_url)
        made = Environment(
            spec=self.root / "spec.json", termination=self.root / "termination", redis_file=redis_file, **parts
        )
        return made if self.with_channel else replace(made, channel=None)

    @property
    def document(self) -> dict[str, Any]:
        """The spec file's content."""
        job = {"kind": self.kind, "namespace": "default", "name": "job", "uid": "uid-1", "run": 1, "spec": self.spec}
        return {"job": job, "inputs": self.inputs, "dependencies": self.dependencies}

    def mount(self, path: str, content: str | bytes) -> Path:
        """Put a file at `path` below the mounts."""
        target = self.environment.mounts / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    async def here(self, stop: StopSignal | None = None) -> int:
        """Run it in this process; the exit code."""
        environment = self._write()
        return await run_job(environment, stop or StopSignal(), runner_of)

    def start(self, **variables: str) -> subprocess.Popen[str]:
        """Start it as a process of its own."""
        environment = self._write()
        names = {"spec", "mounts", "work", "termination", "redis_file", "state", "channel"}
        own = {f"MINTWORKS_{name.upper()}": str(getattr(environment, name) or "") for name in names}
        return subprocess.Popen(
            [sys.executable, "-m", "mintworks_runners"],
            env={**os.environ, **own, **variables},
            stdout=subprocess.PIPE,
            text=True,
        )

    def context(self, stop: StopSignal | None = None) -> JobContext:
        """The context a runner would get; its reporter is not started."""
        environment = self._write()
        stop = stop or StopSignal()
        run = RunSpec.read(environment.spec)
        reporter = Reporter(open_channel(environment, run), run=run.run)
        return JobContext(run, environment, reporter, SourceReader(environment, stop), stop)

    @property
    def termination(self) -> Mapping[str, Any]:
        """The termination message; it fits into 1 KiB."""
        data = (self.root / "termination").read_bytes()
        assert len(data) <= 1024
        message: Mapping[str, Any] = json.loads(data)
        return message

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was sent over the directory channel."""
        path = self.root / "channel" / "messages.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _write(self) -> Environment:
        environment = self.environment
        environment.spec.write_text(json.dumps(self.document))
        return environment
