"""Programs that do next to nothing here."""

from __future__ import annotations

from mintworks_dev.localnet.programs import units
from mintworks_dev.localnet.runtime import Call


def compute_budget(call: Call) -> None:
    """Compute-budget instructions are read by the bank before anything runs."""
    call.charge(units.NATIVE)


def noop(call: Call) -> None:
    """spl-noop: accepts any data from anybody, which is why an event alone proves nothing."""
    call.charge(units.NOOP)
