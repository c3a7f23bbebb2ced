"""Folders of this machine that clusters need as mount points: made where they are missing, removed after the last.

A mount point can be removed from outside the mount namespace that has something mounted there, and the kernel
then takes that mount away: a cluster that ended would pull `/run/containerd` from under its neighbours. So each
cluster leaves a mark of its own in every folder that was made, and only a folder without marks goes.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mintworks_dev.cluster.layout import Layout

_MARKS = ".mintworks-*"


def claim(layout: Layout, path: Path) -> None:
    """Make the folder `path` where it is missing, and keep every level made for a cluster until `release`."""
    with alone():
        made = [folder for folder in (path, *path.parents) if not folder.exists() or any(folder.glob(_MARKS))]
        path.mkdir(parents=True, exist_ok=True)
        with _record(layout).open("a") as handle:
            handle.writelines(f"{_mark(layout, folder)}\n" for folder in made)
        for folder in made:
            _mark(layout, folder).touch()


def marks(layout: Layout) -> list[Path]:
    """The files with which the cluster keeps folders outside of build/, the deepest first."""
    record = _record(layout)
    named = [Path(line) for line in record.read_text().splitlines()] if record.exists() else []
    return [mark for mark in named if mark.exists()]


def release(layout: Layout) -> None:
    """Remove the folders that `claim` kept, unless somebody else uses them."""
    with alone():
        for mark in marks(layout):
            mark.unlink()
            if not any(mark.parent.iterdir()):
                mark.parent.rmdir()
    _record(layout).unlink(missing_ok=True)


@contextmanager
def alone() -> Iterator[None]:
    """Keep every other cluster of this machine out, whatever checkout it belongs to; leaves no lock file behind."""
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(root, fcntl.LOCK_EX)
        yield
    finally:
        os.close(root)


def _record(layout: Layout) -> Path:
    return layout.root / "mount-points"


def _mark(layout: Layout, folder: Path) -> Path:
    return folder / f".{layout.namespace}"
