"""A chain to race on, and how fast its mints were: by the slots they are in, and by when these slots were open."""

from __future__ import annotations

import threading
import time
from base64 import b64decode
from bisect import bisect_left
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from mintworks_dev.localnet.process import LocalnetProcess
from mintworks_runners.solana.programs import tree_authority
from mintworks_runners.solana.tree import decode_config
from solders.pubkey import Pubkey
from support import chain
from support.minting import Minter

SLOT_MS = 400
_LOOK_SECONDS = 0.2
_PAGE = 1000
_SETTLED_SECONDS = 60.0


@dataclass(frozen=True)
class Rate:
    """Mints of one tree, the transactions they are in, and the seconds from the first to the last."""

    mints: int
    transactions: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Mints a second."""
        return self.mints / self.seconds


class Track:
    """A localnet as a process of its own with slots of 400 ms, a wallet and its collection, and a look at its clock.

    A busy chain's slots take longer than they should, so a slot's time is what a clock outside showed when it was open.
    """

    def __init__(self) -> None:
        self.minter = Minter()
        wallet = self.minter.wallet.pubkey()
        funds, collection = f"--fund={wallet}=5000", f"--collection={self.minter.collection}={wallet}"
        self._process = LocalnetProcess(f"--slot-ms={SLOT_MS}", funds, collection)
        self._seen: list[tuple[int, float]] = []
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Starts it."""
        self._process.__enter__()
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""
        self._over.set()
        self._watch.join()
        self._process.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """The endpoint."""
        return self._process.url

    def rate(self, tree: str, mints: int) -> Rate:
        """How fast the tree got its `mints`, which must all be there within a minute."""
        self._settled(tree, mints)
        # Besides the mints the tree's authority, unlike the tree, is only in the oldest: it made the tree.
        authority = str(tree_authority(Pubkey.from_string(tree)))
        slots = [slot for slot, failed in self._rows(authority) if not failed][:-1]
        seconds = self._opened(max(slots) + 1) - self._opened(min(slots))
        return Rate(mints, len(slots), seconds)

    def _settled(self, tree: str, mints: int) -> None:
        deadline = time.monotonic() + _SETTLED_SECONDS
        while (found := self._minted(tree)) != mints:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{found} of {mints} mints landed")
            time.sleep(0.5)
        self._over.wait(1.0)

    def _minted(self, tree: str) -> int:
        options = {"encoding": "base64", "commitment": "confirmed"}
        account = chain.call(self.url, "getAccountInfo", str(tree_authority(Pubkey.from_string(tree))), options)
        return decode_config(b64decode(account["value"]["data"][0])).num_minted

    def _rows(self, address: str) -> list[tuple[int, bool]]:
        """(slot, whether it failed) of the transactions that mention an address, newest first."""
        found: list[tuple[int, bool]] = []
        before: dict[str, str] = {}
        while True:
            options = {"commitment": "confirmed", "limit": _PAGE, **before}
            page = chain.call(self.url, "getSignaturesForAddress", address, options)
            found += [(row["slot"], row["err"] is not None) for row in page]
            if len(page) < _PAGE:
                return found
            before = {"before": page[-1]["signature"]}

    def _look(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            slot = chain.call(self.url, "getSlot", {"commitment": "processed"})
            self._seen.append((slot, time.monotonic()))

    def _opened(self, slot: int) -> float:
        """When a slot was open, by the readings around it."""
        after = bisect_left(self._seen, slot, key=lambda seen: seen[0])
        after = min(max(after, 1), len(self._seen) - 1)
        (slot_1, at_1), (slot_2, at_2) = self._seen[after - 1], self._seen[after]
        return at_2 if slot_1 == slot_2 else at_1 + (at_2 - at_1) * (slot - slot_1) / (slot_2 - slot_1)
