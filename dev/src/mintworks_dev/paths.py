"""Where things are: the repository's root and its build folder."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


@cache
def repository() -> Path:
    """The root of the working tree this package was installed from (editable).

    Raises RuntimeError when the package runs outside of a working tree, as in an image: there is nothing
    to build from there.
    """
    for folder in Path(__file__).resolve().parents:
        if (folder / "uv.lock").is_file() and (folder / "dev" / "go").is_dir():
            return folder
    raise RuntimeError("this needs a working tree of Mintworks; the installed package alone cannot build")


def build() -> Path:
    """The folder for everything that can be made again: `build/`, or what MINTWORKS_BUILD names."""
    chosen = os.environ.get("MINTWORKS_BUILD")
    folder = Path(chosen).resolve() if chosen else repository() / "build"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def binaries() -> Path:
    """The folder of the programs built here (kubectl, helm, ipfs, …), fit to be put on PATH."""
    folder = build() / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
