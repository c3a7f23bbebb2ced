"""What a MintJob's run tells while it works: steps, counts, percent."""

from __future__ import annotations

from mintworks_runners.core.report import Items, Reporter

from .campaign import Campaign

MINT_FROM, MINT_TO = 10.0, 97.0


class Telling:
    """Progress of one run. Counts are of finalized items: what is shown done stays done."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._items: Items | None = None

    def step(self, percent: float, step: str, message: str) -> None:
        """A step that is not about single items; the counts known so far stay shown."""
        self._reporter.progress(percent, step, message, self._items)

    def replay(self, known: int, minted: int) -> None:
        """How far the reading of history is."""
        self.step(8, "replay", f"{known} of {minted} mints of the tree read back")

    def total(self, total: int) -> None:
        """The number of items is known."""
        self._items = Items(total)

    def minting(self, total: int, already: int, campaign: Campaign) -> None:
        """How far the minting is."""
        done, failed = already + campaign.done, len(campaign.failed)
        self._items = Items(total, done, failed, already)
        share = (done + failed) / total if total else 1.0
        message = f"{done} of {total} finalized, {campaign.under_way} transactions under way"
        self.step(MINT_FROM + (MINT_TO - MINT_FROM) * share, "mint", message)
