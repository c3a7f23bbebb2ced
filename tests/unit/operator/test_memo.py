"""Answers remembered by the very object."""

from __future__ import annotations

from typing import Any

import pytest
from mintworks_api import JOB_KINDS
from mintworks_operator.core import Memo, parsed
from mintworks_operator.views import job_view
from pydantic import ValidationError
from support.specs import METADATA


class Counted:
    """Answers with a copy, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, subject: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        return dict(subject)


def test_an_object_is_asked_about_once_and_its_equal_again() -> None:
    function = Counted()
    memo = Memo(function)
    one, other = {"a": 1}, {"a": 1}
    assert memo(one) is memo(one)
    assert memo(other) is not memo(one)
    assert function.calls == 2


def test_only_the_last_ones_are_remembered() -> None:
    function = Counted()
    memo = Memo(function, size=2)
    first, second, third = {"n": 1}, {"n": 2}, {"n": 3}
    memo(first), memo(second), memo(first), memo(third)
    assert function.calls == 3
    memo(first)
    assert function.calls == 3
    memo(second)
    assert function.calls == 4


def test_an_object_that_is_gone_is_not_mistaken_for_a_new_one() -> None:
    memo = Memo(Counted(), size=1)
    for number in range(1000):
        assert memo({"n": number}) == {"n": number}


def test_a_spec_is_parsed_once_for_all_versions_of_its_job() -> None:
    spec = {**METADATA}
    assert parsed(JOB_KINDS["MetadataJob"], spec) is parsed(JOB_KINDS["MetadataJob"], spec)
    meta = {"name": "a", "namespace": "ns", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    views = [job_view("MetadataJob", {"metadata": meta, "spec": spec}) for _ in range(2)]
    assert views[0] is not views[1]
    assert parsed(JOB_KINDS["MetadataJob"], views[0].spec) is parsed(JOB_KINDS["MetadataJob"], views[1].spec)


def test_a_bad_spec_is_refused_each_time() -> None:
    spec: dict[str, Any] = {}
    for _ in range(2):
        with pytest.raises(ValidationError):
            parsed(JOB_KINDS["MetadataJob"], spec)
