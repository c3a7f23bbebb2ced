"""The table of reasons holds every reason that the code gives, and no other."""

import ast
from pathlib import Path

import mintworks_runners.mint
import pytest
from mintworks_runners.core.errors import AttemptFailed, InvalidInput, Waiting
from mintworks_runners.mint.chainerrors import HOPELESS_CODES, Verdict, cannot_pay, custom_code, explain, judge
from mintworks_runners.mint.reasons import TABLE, Then, ended

SOURCE = Path(mintworks_runners.mint.__path__[0])


def strings_in_code() -> set[str]:
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.name != "reasons.py":
            tree = ast.parse(path.read_text())
            found |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found


def reasons_in_calls() -> set[str]:
    """First arguments of `ended(…)`, `findings.add(…)` and `Finding(…)`, where they are written out."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("ended", "Finding") or (name == "add" and len(node.args) > 1):
                found.add(str(node.args[0].value))
    return found


def test_every_reason_is_in_the_table() -> None:
    assert reasons_in_calls() <= set(TABLE)


def test_every_reason_of_the_table_is_given_somewhere() -> None:
    assert set(TABLE) <= strings_in_code() | set(HOPELESS_CODES.values())


def test_the_kind_decides_the_exit_code() -> None:
    kinds = {Then.FINAL: (InvalidInput, 64), Then.WAIT: (Waiting, 75), Then.RETRY: (AttemptFailed, 1)}
    for reason, (then, _) in TABLE.items():
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
