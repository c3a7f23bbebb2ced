"""Every reason for which a MintJob's run ends without a result, and what follows from it: one table."""

from __future__ import annotations

from enum import Enum

from mintworks_runners.core.errors import AttemptFailed, InvalidInput, RunEnded, Waiting


class Then(Enum):
    """What the operator does after it."""

    FINAL = "the input is bad: exit 64, the job is Failed"
    WAIT = "something outside must change: exit 75, no attempt is used up"
    RETRY = "it may pass: an attempt is used up, the next one follows after backoff"


TABLE: dict[str, tuple[Then, str]] = {
    # The spec and what it names
    "InvalidSpec": (Then.FINAL, "the spec contradicts itself"),
    "InvalidSecret": (Then.FINAL, "a Secret holds something else than it should"),
    "MissingSecret": (Then.FINAL, "a Secret lacks the entry that the spec names"),
    "InvalidAddress": (Then.FINAL, "an address is not of 32 bytes"),
    "InvalidTreeSize": (Then.FINAL, "no tree of this size can be made"),
    "MaxCostRequired": (Then.FINAL, "maxCost is missing on mainnet"),
    "MaxCostTooLow": (Then.FINAL, "maxCost cannot suffice, whatever fees are"),
    "GenesisMismatch": (Then.FINAL, "an endpoint serves another chain"),
    # Rows
    "NoRecipient": (Then.FINAL, "nobody is named to receive an item"),
    "UnknownItem": (Then.FINAL, "an override names an item that does not exist"),
    "InvalidItem": (Then.FINAL, "an override names no number"),
    "InvalidMetadata": (Then.FINAL, "the program or an indexer would refuse an item"),
    # Tree and collection
    "NoTree": (Then.FINAL, "there is no Bubblegum V1 tree at the address"),
    "TreeMismatch": (Then.FINAL, "something else lies where the job's tree should be"),
    "PublicTree": (Then.FINAL, "anyone may mint into the tree, and allowPublic is not set"),
    "NotTreeDelegate": (Then.FINAL, "the wallet may not mint into the tree"),
    "TreeFull": (Then.FINAL, "the tree has too little room"),
    "NoCollection": (Then.FINAL, "the collection does not exist"),
    "NotCollectionAuthority": (Then.FINAL, "the authority may not verify into the collection"),
    "Conflict": (Then.FINAL, "an item is on the tree already, but otherwise than the input says"),
    "Refused": (Then.FINAL, "the program refused an item that was minted alone"),
    "ItemsRefused": (Then.FINAL, "the program refused items; all others are minted"),
    # The world outside
    "NoHealthyEndpoint": (Then.WAIT, "no endpoint answers, or all of them lag"),
    "HistoryIncomplete": (Then.WAIT, "no endpoint has the tree's whole history"),
    "ChainStalled": (Then.WAIT, "the chain's height stands still"),
    "TreeGone": (Then.WAIT, "an endpoint does not have the tree that others had"),
    "ForeignMinter": (Then.WAIT, "something else mints into the tree"),
    "LeaseHeld": (Then.WAIT, "another process mints into the tree"),
    "RedisAway": (Then.WAIT, "there is no lease without Redis"),
    "LowBalance": (Then.WAIT, "the wallet cannot pay"),
    "CostLimit": (Then.WAIT, "maxCost is used up"),
    # What may be different next time
    "SimulationFailed": (Then.RETRY, "no mint can be simulated"),
    "TransactionsFail": (Then.RETRY, "transactions fail for a reason that is about no item"),
    "TreeNotCreated": (Then.RETRY, "the tree could not be made"),
    "AuditFailed": (Then.RETRY, "the chain does not hold what the input asks for"),
}
"""Reason → what follows, and what it means. The core's own reasons (Stopped, InputChanged, those of rows and sources)
are not repeated here.
"""


def ended(reason: str, message: str, *, field: str | None = None, item: int | None = None) -> RunEnded:
    """The exception for a reason of the table; KeyError for any other. `field`, `item` are told of bad input only."""
    then, _ = TABLE[reason]
    if then is Then.FINAL:
        return InvalidInput.one(reason, message, field=field, item=item)
    return Waiting(reason, message) if then is Then.WAIT else AttemptFailed(reason, message)
