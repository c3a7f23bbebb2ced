"""Umi, the JavaScript way to mint (npm, mpl-bubblegum), run by the Node that comes with the development packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mintworks_runners.solana.tree import TreeSize

from support import node
from support.minting import Minter
from support.specs import CID

_SOURCE = Path(__file__).parent / "umi_js"


@dataclass(frozen=True)
class Told:
    """What Umi says at its end: the tree's address, how many mints failed, and with what the last of them."""

    tree: str
    failed: int
    error: str


def install() -> Path:
    """Umi as its lock file says, below build/."""
    return node.install("umi", _SOURCE)


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
    told: dict[str, Any] = node.run(install(), "mint.mjs", asked)[-1]
    return Told(**told)
