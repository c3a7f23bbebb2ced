"""What an error of a finalized transaction means, and its words for people. Pure."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

PROGRAM_ERRORS = {
    6004: "the creators' shares do not add up to 100",
    6005: "a creator is there twice",
    6006: "a creator is marked verified but did not sign",
    6011: "too many creators",
    6012: "the name is too long",
    6013: "the symbol is too long",
    6014: "the uri is too long",
    6015: "the seller fee is above 100 %",
    6016: "the wallet is not the tree's creator or delegate",
    6017: "the tree is full",
    6020: "this mint cannot carry a verified collection",
    6021: "the metadata names no collection",
    6028: "the collection authority is not the collection's",
    6040: "only NonFungible can be minted",
}
"""Bubblegum's custom errors that a mint can meet."""

HOPELESS_CODES = {6016: "NotTreeDelegate", 6017: "TreeFull", 6028: "NotCollectionAuthority"}
"""Errors that are about the tree or the collection and not about an item, with the reason they end a run with."""

_COMPUTE = ("ComputationalBudgetExceeded", "ProgramFailedToComplete")


class Verdict(Enum):
    """What to do after a finalized error."""

    MORE_COMPUTE = "sign again with a higher compute limit"
    REFUSED = "the program refuses this item"
    NOT_ABOUT_ITEMS = "it says nothing of the items: sign again"
    HOPELESS = "the program would refuse every further item too"


def judge(error: str) -> Verdict:
    """`error` is meta.err as JSON."""
    if any(name in error for name in _COMPUTE):
        return Verdict.MORE_COMPUTE
    detail: Any = json.loads(error)
    if not (isinstance(detail, dict) and "InstructionError" in detail):
        return Verdict.NOT_ABOUT_ITEMS
    return Verdict.HOPELESS if custom_code(error) in HOPELESS_CODES else Verdict.REFUSED


def cannot_pay(error: str) -> bool:
    """Whether a transaction's error (meta.err as JSON) says that its payer has too little, or nothing at all."""
    detail: Any = json.loads(error)
    if isinstance(detail, dict):
        return "InsufficientFundsForRent" in detail
    return detail in ("AccountNotFound", "InsufficientFundsForFee")


def custom_code(error: str) -> int | None:
    """The program's own error code in meta.err (as JSON), if it holds one."""
    detail: Any = json.loads(error)
    match detail:
        case {"InstructionError": [int(), {"Custom": int(code)}]}:
            return code
    return None


def explain(error: str) -> str:
    """Words for a person, with the code where there is one."""
    code = custom_code(error)
    if code is None:
        return f"the chain answered {error}"
    known = PROGRAM_ERRORS.get(code)
    return f"program error {code}" + (f": {known}" if known else "")
