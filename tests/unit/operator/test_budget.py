"""How many Events about successes are told."""

from __future__ import annotations

from mintworks_operator.budget import AT_ONCE, Budget


def test_a_burst_is_told_up_to_a_number_and_then_one_a_second() -> None:
    budget = Budget()
    assert sum(budget.take("a", 100.0) for _ in range(1000)) == AT_ONCE
    assert not budget.take("a", 100.9)
    assert budget.take("a", 101.0)
    assert not budget.take("a", 101.5)
    assert sum(budget.take("a", 101.0 + n / 10) for n in range(1, 101)) == 10


def test_a_quiet_time_saves_up_no_more_than_a_burst() -> None:
    budget = Budget()
    assert sum(budget.take("a", 0.0) for _ in range(AT_ONCE)) == AT_ONCE
    assert sum(budget.take("a", 1e6) for _ in range(1000)) == AT_ONCE


def test_namespaces_share_nothing() -> None:
    budget = Budget()
    assert sum(budget.take("a", 0.0) for _ in range(AT_ONCE)) == AT_ONCE
    assert not budget.take("a", 0.0)
    assert budget.take("b", 0.0)
