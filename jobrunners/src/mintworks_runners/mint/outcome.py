"""What a finished campaign comes to: the job's result, its ledger file, or why it is not done."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from solders.pubkey import Pubkey

from mintworks_runners.core.errors import Finding, Findings, InvalidInput, RunEnded
from mintworks_runners.core.reasons import ITEM, ended

from .campaign import Failure
from .chainerrors import explain, reason_of
from .history import History
from .itemtable import Item
from .reconcile import Standing

log = logging.getLogger(__name__)


def refused(failed: Mapping[int, Failure], items: Mapping[int, Item], field: str) -> InvalidInput:
    """The end of a run in which the program refused items even alone; all others are minted."""
    findings = [
        Finding(ITEM, explain(failure.error), field, items[number].row, item=number)
        for number, failure in sorted(failed.items())
    ]
    return InvalidInput(findings, reason="ItemsRefused")


def hopeless(failure: Failure) -> RunEnded:
    """The end of a run in which the program, or the chain, would refuse every further item."""
    message = f"{explain(failure.error)} (transaction {failure.signature})"
    return ended(reason_of(failure.error), message, item=failure.item)


def audit_failed(findings: Findings) -> RunEnded:
    """The chain does not hold what the input asks for, although every transaction ended well."""
    for finding in findings.kept[:20]:
        log.error("audit: %s", finding)
    more = f" and {findings.total - 1} more problems" if findings.total > 1 else ""
    return ended("AuditFailed", f"{findings.kept[0]}{more}")


def counts(standing: Standing, history: History, wallet: Pubkey, first_slot: int) -> dict[str, int]:
    """The numbers of the job's result. Mints from `first_slot` on are the job's own, older ones were found: a job
    that was
    applied again finds all of them.
    """
    own = sum(history.place(nonce).slot >= first_slot for _, nonce in standing.pairs())
    fees, rent = history.spent(wallet, first_slot)
    return {
        "items": standing.minted,
        "minted": own,
        "already": standing.minted - own,
        "failed": 0,
        "feesLamports": fees,
        "rentLamports": rent,
    }
