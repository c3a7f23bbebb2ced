"""The files of a folder on a volume, without following any link: one may lead to the pod's Secrets."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mintworks_runners.core.errors import AttemptFailed, InvalidInput

from .members import CHUNK, BrokenMember, Limits, Member, Members, refused, too_many


@contextmanager
def opened(root: Path, name: str, limits: Limits, field: str) -> Iterator[Members]:
    """The files of the folder `name` below the volume's `root`, by name.

    InvalidInput `SourceMissing`, `SourceOutside`, `TooManyFiles`; AttemptFailed where it cannot be read.
    """
    base = root.resolve()
    path = (base / name).resolve()
    if not path.is_relative_to(base):
        raise InvalidInput.one("SourceOutside", f"{name} leads out of its volume", field=field)
    if not path.is_dir():
        raise InvalidInput.one("SourceMissing", f"the volume has no folder {name}", field=field)
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            yield _members(folder, limits, field)
        finally:
            os.close(folder)
    except OSError as error:
        raise AttemptFailed("SourceUnavailable", f"{field}: {name}: {error}") from error


def _members(folder: int, limits: Limits, field: str) -> Members:
    names: list[bytes] = []
    with os.scandir(folder) as found:
        for entry in found:
            names.append(os.fsencode(entry.name))
            if len(names) > limits.entries:
                raise too_many(limits.files, field)
    for name in sorted(names):
        yield _member(folder, name)


def _member(folder: int, name: bytes) -> Member:
    info = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(info.st_mode):
        return refused(name, "NestedFolder", "a folder: all files must be in one")
    if not stat.S_ISREG(info.st_mode):
        return refused(name, "NotAFile", "a link, a pipe or a device, not a file")
    return Member(name, info.st_size, partial(_content, folder, name, info.st_size))


def _content(folder: int, name: bytes, size: int) -> Iterator[bytes]:
    # O_NONBLOCK: it may have become a pipe since it was looked at.
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(handle, "rb", buffering=0) as file:
        read = 0
        while chunk := file.read(CHUNK):
            read += len(chunk)
            if read > size:
                break
            yield chunk
    if read != size:
        raise BrokenMember("it changed while it was read")
