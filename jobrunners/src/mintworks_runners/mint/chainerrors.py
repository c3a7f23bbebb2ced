"""Reads an error of a finalized transaction: what to do now; what it comes to stands in core.reasons. Pure."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from mintworks_runners.core.reasons import CHAIN_ERRORS, FRAMEWORK_ERRORS, ITEM, PROGRAM_ERRORS

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
    return Verdict.REFUSED if reason_of(error) == ITEM else Verdict.HOPELESS


def reason_of(error: str) -> str:
    """The reason of core.reasons that a finalized error comes to where it is met again and again; `Refused` where it is
    about an item. `error` is meta.err as JSON.
    """
    detail: Any = json.loads(error)
    code = custom_code(error)
    if code in PROGRAM_ERRORS:
        return PROGRAM_ERRORS[code].reason
    if isinstance(detail, dict) and "InstructionError" in detail and code not in FRAMEWORK_ERRORS:
        return ITEM
    name = next(iter(detail), "") if isinstance(detail, dict) else detail
    return CHAIN_ERRORS[name].reason if name in CHAIN_ERRORS else "TransactionsFail"


def cannot_pay(error: str) -> bool:
    """Whether a transaction's error (meta.err as JSON) says that its payer has too little, or nothing at all."""
    return reason_of(error) == "LowBalance"


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
    return f"program error {code}" + (f": {known.what}" if known else "")
