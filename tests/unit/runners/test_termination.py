"""The termination message never exceeds its bound, whatever was found, and says how much it leaves out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_runners.core.errors import AttemptFailed, Finding, Findings, InvalidInput, Stopped, Waiting
from mintworks_runners.core.reasons import TABLE, ended
from mintworks_runners.core.termination import LIMIT, encode_failure, encode_result

text = st.text(max_size=400)
places = st.one_of(st.none(), st.integers(0, 10**9))
finding = st.builds(Finding, st.just("TooLong"), text, st.one_of(st.none(), text), places, st.one_of(st.none(), text))


@given(st.lists(finding, min_size=1, max_size=120), st.integers(0, 10**6))
def test_every_failure_fits(findings: list[Finding], more: int) -> None:
    error = InvalidInput(findings, total=len(findings) + more)
    data = encode_failure(error)
    assert len(data) <= LIMIT
    value = json.loads(data)
    listed = len(value.get("errors", []))
    assert listed <= len(findings)
    assert [one["reason"] for one in value.get("errors", [])] == ["TooLong"] * listed
    if 0 < listed < error.total:
        assert f"{error.total - listed} more than listed" in value["message"]


@given(st.text(max_size=5000))
def test_every_plain_message_fits(message: str) -> None:
    assert len(encode_failure(AttemptFailed("Unexpected", message))) <= LIMIT


def test_a_single_finding_is_told_whole() -> None:
    error = InvalidInput.one("MissingValue", "empty, but required", field="rows", row=3, column="name")
    assert json.loads(encode_failure(error)) == {
        "reason": "MissingValue",
        "message": f"rows, row 3, column name: empty, but required. {TABLE['MissingValue'].todo}",
        "errors": [
            {"reason": "MissingValue", "message": "empty, but required", "field": "rows", "row": 3, "column": "name"}
        ],
    }


def test_many_findings_are_dropped_from_the_end() -> None:
    findings = Findings(limit=100)
    for row in range(2, 402):
        findings.add("MissingValue", "empty, but required", field="rows", row=row, column="name")
    with pytest.raises(InvalidInput) as caught:
        findings.raise_if_any()
    assert (len(caught.value.findings), caught.value.total) == (100, 400)
    value = json.loads(encode_failure(caught.value))
    rows = [error["row"] for error in value["errors"]]
    assert rows == list(range(2, 2 + len(rows)))
    assert value["message"] == f"400 problems, {400 - len(rows)} more than listed. {TABLE['InvalidInput'].todo}"


def test_a_result_must_fit() -> None:
    assert json.loads(encode_result({"cid": "bafy"})) == {"result": {"cid": "bafy"}}
    with pytest.raises(ValueError, match="termination message holds 1024"):
        encode_result({"audit": "x" * 1100})


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (InvalidInput.one("TooLong", "x"), 64, "TooLong"),
        (InvalidInput([Finding("A", "x"), Finding("B", "y")]), 64, "InvalidInput"),
        (Stopped(), 75, "Stopped"),
        (Waiting("LeaseHeld", "x"), 75, "LeaseHeld"),
        (AttemptFailed("StorageUnavailable", "x"), 1, "StorageUnavailable"),
    ],
)
def test_exit_codes(error: InvalidInput | Stopped | Waiting | AttemptFailed, code: int, reason: str) -> None:
    assert (error.exit_code, error.reason) == (code, reason)


@pytest.mark.parametrize("reason", sorted(TABLE))
def test_whatever_a_run_says_it_ends_with_what_to_do(reason: str) -> None:
    data = encode_failure(ended(reason, "x" * 5000, field="rows", item=10**9))
    assert len(data) <= LIMIT
    assert json.loads(data)["message"].endswith(f"… {TABLE[reason].todo}")
