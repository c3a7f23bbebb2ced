"""Double-entry for a tree: what we account for, held against the tree's own counter (invariants I3 and I4). Pure.

`TreeConfig.num_minted`, read at finalized in slot S, says how many mints slots ≤ S hold. When it equals the mints we
know of in those slots, none is unknown to us there; that, and nothing less, proves that a transaction did not land.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass

KEEP_SECONDS = 5.0
"""How long a reading waits for its match before a newer one takes its place."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tree's counter at a finalized slot, and when (own clock, seconds) it was read."""

    slot: int
    minted: int
    at: float


class Books:
    """The newest slot up to which nothing is unknown, and the mints known in the slots after it.

    What is accounted for is forgotten: a tree may hold a million mints, and nothing of those slots can be news.
    """

    def __init__(self, slot: int = -1, minted: int = 0) -> None:
        """`minted` mints stand in the slots ≤ `slot`, and all of them are known; without either the tree is empty."""
        self.accounted_to = slot
        """The newest finalized slot at which counter and books were equal."""
        self._entries: dict[str, int] = {}
        self._by_slot: dict[int, int] = {}
        self._slots: list[int] = []
        self._total = minted
        self._open: Snapshot | None = None
        self._waiting_since: float | None = None

    def knows(self, signature: str, slot: int) -> bool:
        """Whether a finalized transaction of this slot is in the books."""
        return slot <= self.accounted_to or signature in self._entries

    def enter(self, signature: str, slot: int, mints: int) -> None:
        """Enters a finalized, successful transaction with its number of mints; once."""
        if self.knows(signature, slot) or mints == 0:
            return
        self._entries[signature] = slot
        if slot not in self._by_slot:
            insort(self._slots, slot)
        self._by_slot[slot] = self._by_slot.get(slot, 0) + mints
        self._total += mints

    def up_to(self, slot: int) -> int:
        """Mints known in slots ≤ `slot`, which is not before the one that all is accounted for to."""
        count = self._total
        for later in reversed(self._slots):
            if later <= slot:
                break
            count -= self._by_slot[later]
        return count

    def newest_slot(self) -> int:
        """The newest slot that anything is known of: of a mint, or of a counter that was equal."""
        return max(self._slots[-1:], default=self.accounted_to)

    def compare(self, slot: int, minted: int, now: float) -> None:
        """Takes a reading of the counter at finalized; older readings than the last equality say nothing new.

        A reading that is not matched yet is kept for a while: statuses tell of its mints a moment later, and with
        each newer reading there would be new ones to wait for.
        """
        if slot <= self.accounted_to:
            return
        if self._waiting_since is None:
            self._waiting_since = now
        if self._open is None or now - self._open.at >= KEEP_SECONDS:
            self._open = Snapshot(slot, minted, now)
        self.settle()

    def settle(self) -> None:
        """Compares again after new entries: the reading may be newer than what we knew of its slots then."""
        snapshot = self._open
        if snapshot is None or self.up_to(snapshot.slot) != snapshot.minted:
            return
        self._account(snapshot.slot)
        self._open = None
        self._waiting_since = None

    def _account(self, slot: int) -> None:
        self.accounted_to = slot
        self._entries = {signature: at for signature, at in self._entries.items() if at > slot}
        past = bisect_right(self._slots, slot)
        for each in self._slots[:past]:
            del self._by_slot[each]
        del self._slots[:past]

    def unexplained(self) -> int:
        """Mints that the counter of the reading not yet matched shows beyond those known; 0 without such a
        reading.
        """
        snapshot = self._open
        return 0 if snapshot is None else max(0, snapshot.minted - self.up_to(snapshot.slot))

    def unequal_for(self, now: float) -> float:
        """Seconds since the counter was last found equal, counted from the first reading that was not."""
        return 0.0 if self._waiting_since is None else now - self._waiting_since
