"""The directory of one run: what a pod would find mounted, laid out as the runner protocol says (docs/protocol.md)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mintworks_api import Mount
from mintworks_operator.core.actions import CreateRun
from mintworks_operator.core.document import encode

from .references import Supplies, content
from .resources import JobManifest


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run below its folder."""

    root: Path

    @property
    def spec(self) -> Path:
        """The run's spec, JSON."""
        return self.root / "spec.json"

    @property
    def mounts(self) -> Path:
        """One entry a reference; Secrets lie here, so it goes when the run ends."""
        return self.root / "mounts"

    @property
    def work(self) -> Path:
        """Scratch, gone when the run ends."""
        return self.root / "work"

    @property
    def channel(self) -> Path:
        """Messages of the run and the echo of its inputs."""
        return self.root / "channel"

    @property
    def termination(self) -> Path:
        """The termination message."""
        return self.root / "termination"

    @property
    def log(self) -> Path:
        """What the runner printed."""
        return self.root / "log"

    def environment(self, state: Path) -> dict[str, str]:
        """The protocol's variables; no file stands at the Redis path, so there is no Redis."""
        return {
            "MINTWORKS_SPEC": str(self.spec),
            "MINTWORKS_MOUNTS": str(self.mounts),
            "MINTWORKS_WORK": str(self.work),
            "MINTWORKS_STATE": str(state),
            "MINTWORKS_CHANNEL": str(self.channel),
            "MINTWORKS_TERMINATION": str(self.termination),
            "MINTWORKS_REDIS_FILE": str(self.root / "redis-url"),
        }

    def clear(self) -> None:
        """Remove what must not outlive the run: its mounts (Secrets) and its scratch."""
        for path in (self.mounts, self.work):
            shutil.rmtree(path, ignore_errors=True)


def lay_out(
    folder: RunFolder,
    create: CreateRun,
    job: JobManifest,
    dependencies: Mapping[str, JobManifest],
    supplies: Supplies,
) -> None:
    """Make the run's folder anew. `dependencies` maps NAME to its job.

    Raises:
        BadInput: a reference that leads nowhere.
    """
    folder.clear()
    for path in (folder.mounts, folder.work, folder.channel):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder.spec, encode(create.document).encode())
    for mount in create.mounts:
        put(folder.mounts, mount, job, supplies)
    for name, mounts in create.shared_mounts.items():
        for mount in mounts:
            put(folder.mounts / "dependencies" / name, mount, dependencies[name], supplies)


def put(root: Path, mount: Mount, job: JobManifest, supplies: Supplies) -> None:
    """Lay what a mount brings below `root`, as a pod would find it.

    Raises:
        BadInput: a reference that leads nowhere.
    """
    found, target = content(mount, job.manifest, supplies), root / mount.field
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if isinstance(found, Path):
        target.symlink_to(found.resolve(), target_is_directory=True)
        return
    target.mkdir(mode=0o700, exist_ok=True)
    _write(target / (mount.key or ""), found)


def _write(path: Path, data: bytes) -> None:
    """Write a file that nobody but its owner ever could read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
