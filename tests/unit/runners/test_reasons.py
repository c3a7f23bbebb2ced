"""The table of reasons holds every reason that the code gives, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import mintworks_runners
import pytest
from mintworks_runners.core.errors import AttemptFailed, InvalidInput, Waiting
from mintworks_runners.core.reasons import TABLE, Then, ended
from mintworks_runners.mint.chainerrors import HOPELESS_CODES, Verdict, cannot_pay, custom_code, explain, judge

SOURCE = Path(next(iter(mintworks_runners.__path__)))
#: How a reason is given → what must follow from it; None: as the table says.
GIVEN = {
    "ended": None,
    "Finding": Then.FINAL,
    "one": Then.FINAL,
    # Noted for now: whoever has them all says what follows.
    "add": None,
    "_add": None,
    "AttemptFailed": Then.RETRY,
    "Waiting": Then.WAIT,
}


def strings_in_code() -> set[str]:
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.name != "reasons.py":
            tree = ast.parse(path.read_text())
            found |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found


def reasons_in_calls() -> Iterator[tuple[str, Then | None]]:
    """First arguments of such calls, where they are written out, and what must follow."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or len(node.args) < 2 or not isinstance(node.args[0], ast.Constant):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in GIVEN:
                yield str(node.args[0].value), GIVEN[name]


def test_every_reason_is_in_the_table() -> None:
    found = set(reasons_in_calls())
    assert len(found) > 60
    for reason, then in found:
        assert then in {None, TABLE[reason].then}, reason


def test_every_reason_of_the_table_is_given_somewhere() -> None:
    assert set(TABLE) <= strings_in_code() | set(HOPELESS_CODES.values())


def test_advice_is_one_sentence() -> None:
    for reason in TABLE.values():
        assert re.fullmatch(r"[A-Z].*[^.]\.", reason.todo), reason
        assert ". " not in reason.todo
        assert not reason.what.endswith(".")


def test_the_kind_decides_the_exit_code() -> None:
    kinds = {Then.FINAL: (InvalidInput, 64), Then.WAIT: (Waiting, 75), Then.RETRY: (AttemptFailed, 1)}
    for reason, (then, *_) in TABLE.items():
        error = ended(reason, "m")
        assert (type(error), error.exit_code) == kinds[then]
        assert error.reason == reason


def test_errors_of_the_chain() -> None:
    refused = '{"InstructionError": [2, {"Custom": 6006}]}'
    assert judge(refused) is Verdict.REFUSED
    assert explain(refused) == "program error 6006: a creator is marked verified but did not sign"
    assert explain('{"InstructionError": [2, {"Custom": 1}]}') == "program error 1"
    assert judge('{"InstructionError": [2, "ComputationalBudgetExceeded"]}') is Verdict.MORE_COMPUTE
    assert judge('{"InstructionError": [2, "ProgramFailedToComplete"]}') is Verdict.MORE_COMPUTE
    assert custom_code('"AccountNotFound"') is None


def test_only_a_missing_payer_or_too_little_money_is_a_low_balance() -> None:
    poor = ['"AccountNotFound"', '"InsufficientFundsForFee"', '{"InsufficientFundsForRent": {"account_index": 0}}']
    other = ['"ProgramAccountNotFound"', '{"InstructionError": [0, {"Custom": 1}]}', '"BlockhashNotFound"']
    assert [cannot_pay(error) for error in poor + other] == [True] * 3 + [False] * 3
    assert judge('"ProgramAccountNotFound"') is Verdict.NOT_ABOUT_ITEMS


@pytest.mark.parametrize("code", sorted(HOPELESS_CODES))
def test_errors_about_tree_and_collection_end_the_run(code: int) -> None:
    assert judge(f'{{"InstructionError": [2, {{"Custom": {code}}}]}}') is Verdict.HOPELESS
