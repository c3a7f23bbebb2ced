"""Make a thing again only when what it is made of has changed, and only once at a time."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def digest(files: Iterable[Path], *parameters: str) -> str:
    """A hex SHA-256 over `parameters` and the name and content of each file (folders: all beneath).

    Compiled Python is left out: running the code must not count as a change of it.
    """
    total = hashlib.sha256()
    for parameter in parameters:
        total.update(parameter.encode() + b"\0")
    for root in sorted(files):
        found = sorted(root.rglob("*")) if root.is_dir() else [root]
        for file in found:
            if not file.is_file() or "__pycache__" in file.parts:
                continue
            name = str(file.relative_to(root.parent))
            total.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def fresh(stamp: Path, value: str, *products: Path) -> bool:
    """Whether `products` are there and `stamp` says they were made from inputs of digest `value`."""
    return all(product.exists() for product in products) and stamp.is_file() and stamp.read_text() == value


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path` (made when missing); waits for whoever has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
