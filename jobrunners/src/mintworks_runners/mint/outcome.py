"""What a finished campaign comes to: the job's result, its ledger file, or why it is not done."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from solders.pubkey import Pubkey

from mintworks_runners.core.errors import Finding, InvalidInput, RunEnded
from mintworks_runners.core.reasons import ended
from mintworks_runners.mint.campaign import Failure
from mintworks_runners.mint.chainerrors import HOPELESS_CODES, cannot_pay, custom_code, explain
from mintworks_runners.mint.facts import History
from mintworks_runners.mint.items import Item
from mintworks_runners.solana.programs import asset_id

log = logging.getLogger(__name__)


def refused(failed: Mapping[int, Failure], items: Mapping[int, Item], field: str) -> InvalidInput:
    """The end of a run in which the program refused items even alone; all others are minted."""
    findings = [
        Finding("Refused", explain(failure.error), field, items[number].row, item=number)
        for number, failure in sorted(failed.items())
    ]
    return InvalidInput(findings, reason="ItemsRefused")


def hopeless(failure: Failure) -> RunEnded:
    """The end of a run in which the program, or the chain, would refuse every further item."""
    reason = HOPELESS_CODES.get(custom_code(failure.error) or 0)
    if reason is None:
        why = "LowBalance" if cannot_pay(failure.error) else "TransactionsFail"
        return ended(why, f"{explain(failure.error)} (transaction {failure.signature})")
    return ended(reason, f"{explain(failure.error)} (transaction {failure.signature})", item=failure.item)


def audit_failed(problems: list[str]) -> RunEnded:
    """The chain does not hold what the input asks for, although every transaction ended well."""
    for problem in problems[:20]:
        log.error("audit: %s", problem)
    more = f" and {len(problems) - 1} more problems" if len(problems) > 1 else ""
    return ended("AuditFailed", f"{problems[0]}{more}")


def counts(minted: Mapping[int, int], history: History, wallet: Pubkey, first_slot: int) -> dict[str, int]:
    """The numbers of the job's result. Mints from `first_slot` on are the job's own, older ones were found: a job
    that was
    applied again finds all of them.
    """
    slots = {mint.nonce: fact.slot for fact in history.transactions.values() for mint in fact.mints}
    own = sum(slots[nonce] >= first_slot for nonce in minted.values())
    fees, rent = history.spent(wallet, first_slot)
    return {
        "items": len(minted),
        "minted": own,
        "already": len(minted) - own,
        "failed": 0,
        "feesLamports": fees,
        "rentLamports": rent,
    }


def write_ledger(
    path: Path, tree: Pubkey, items: Mapping[int, Item], minted: Mapping[int, int], history: History
) -> None:
    """One JSON object a line and item: item, uri, owner, nonce, assetId, signature, slot. Replaces the file as a
    whole.
    """
    found = {mint.nonce: fact for fact in history.transactions.values() for mint in fact.mints}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        for number, nonce in sorted(minted.items()):
            line = {
                "item": number,
                "uri": items[number].uri,
                "owner": str(items[number].owner),
                "nonce": nonce,
                "assetId": str(asset_id(tree, nonce)),
                "signature": found[nonce].signature,
                "slot": found[nonce].slot,
            }
            file.write(json.dumps(line) + "\n")
    part.replace(path)
