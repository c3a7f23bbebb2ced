"""The table of reasons holds every reason that the code gives, and no other."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import mintworks_runners
import pytest
from mintworks_runners.core.errors import AttemptFailed, InvalidInput, Waiting
from mintworks_runners.core.reasons import (
    CHAIN_ERRORS,
    FRAMEWORK_ERRORS,
    ITEM,
    PROGRAM_ERRORS,
    TABLE,
    Refusal,
    Then,
    ended,
)
from mintworks_runners.mint.campaign import Failure
from mintworks_runners.mint.chainerrors import Verdict, cannot_pay, custom_code, explain, judge, reason_of
from mintworks_runners.mint.outcome import hopeless

SOURCE = Path(next(iter(mintworks_runners.__path__)))
VECTORS = Path(__file__).parents[2] / "data" / "bubblegum-v1.json"
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
    errors = [*PROGRAM_ERRORS.values(), *CHAIN_ERRORS.values()]
    assert set(TABLE) <= strings_in_code() | {error.reason for error in errors}


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


def custom(code: int) -> str:
    """meta.err of a program's own error."""
    return f'{{"InstructionError": [2, {{"Custom": {code}}}]}}'


@pytest.mark.parametrize("code", sorted(PROGRAM_ERRORS))
def test_each_error_of_the_program_comes_to_its_reason(code: int) -> None:
    reason, what = PROGRAM_ERRORS[code]
    assert reason_of(custom(code)) == reason
    assert explain(custom(code)) == f"program error {code}: {what}"
    if reason == ITEM:
        assert judge(custom(code)) is Verdict.REFUSED
        return
    assert judge(custom(code)) is Verdict.HOPELESS
    error = hopeless(Failure(7, custom(code), "signature"))
    assert (type(error), error.reason) == (InvalidInput, reason)
    assert TABLE[reason].then is Then.FINAL


@pytest.mark.parametrize("code", [102, 2000, 2006, 3003, 3007, 3012])
def test_an_error_of_the_framework_is_about_no_item(code: int) -> None:
    """The accounts are the same for every item: not each of 10,000 items is tried alone, at a fee each."""
    assert code in FRAMEWORK_ERRORS
    assert judge(custom(code)) is Verdict.HOPELESS
    assert hopeless(Failure(7, custom(code), "signature")).reason == "TransactionsFail"


def test_an_error_that_nobody_knows_is_held_to_be_about_the_item() -> None:
    for error in (custom(6099), custom(0), '{"InstructionError": [2, "InvalidArgument"]}'):
        assert (judge(error), reason_of(error)) == (Verdict.REFUSED, ITEM)


@pytest.mark.parametrize("name", sorted(CHAIN_ERRORS))
def test_each_error_of_the_chain_comes_to_its_reason(name: str) -> None:
    for error in (json.dumps(name), json.dumps({name: {"account_index": 0}})):
        assert judge(error) is Verdict.NOT_ABOUT_ITEMS
        assert hopeless(Failure(7, error, "signature")).reason == CHAIN_ERRORS[name].reason


def test_whatever_else_the_chain_says_passes_or_ends_the_attempt() -> None:
    assert hopeless(Failure(7, '"AccountInUse"', "signature")).reason == "TransactionsFail"


def test_what_the_real_program_refuses_is_in_the_table() -> None:
    """Every code that the compiled program answered to a bad mint when the vectors were taken."""
    refused = [case["error"] for case in json.loads(VECTORS.read_text())["rejections"] if case["rejected"]]
    codes = {int(found[1]) for found in (re.search(r"Custom\((\d+)\)", error) for error in refused) if found}
    assert len(codes) > 12
    assert codes <= {*PROGRAM_ERRORS, *FRAMEWORK_ERRORS}


def test_errors_name_reasons_of_the_table() -> None:
    errors: list[Refusal] = [*PROGRAM_ERRORS.values(), *CHAIN_ERRORS.values()]
    for reason, what in errors:
        assert reason in TABLE
        assert not what.endswith(".")
