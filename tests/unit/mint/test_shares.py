"""One request budget, several processes: who takes which part. Simulated: each ticks when it likes."""

import heapq
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mintworks_runners.mint.rpc.bucket import Bucket
from mintworks_runners.mint.rpc.shares import (
    GONE_SECONDS,
    TRICKLE,
    Entry,
    Hearing,
    alone,
    decode,
    demand,
    encode,
    share,
)

BUDGET = 100.0


@dataclass
class Process:
    """A process that could use `load` requests a second."""

    name: str
    load: float
    budget: float = BUDGET
    rate: float = 0.0
    beat: int = 0
    hearing: Hearing = field(default_factory=Hearing)

    def tick(self, table: dict[str, Entry], now: float) -> dict[str, Entry]:
        others = self.hearing.living({name: e for name, e in table.items() if name != self.name}, now)
        wants = demand(min(self.load, self.rate), max(0.0, self.load - self.rate), self.budget)
        self.rate = share(wants, self.budget, others.values())
        self.beat += 1
        return {**others, self.name: Entry(self.beat, self.rate, wants, self.budget)}


def play(processes: list[Process], gaps: list[float], until: float) -> float:
    """Lets each tick every so many seconds; answers the largest sum of rates that there was."""
    due = [(gap * (i + 1) / len(gaps), i) for i, gap in enumerate(gaps)]
    heapq.heapify(due)
    table: dict[str, Entry] = {}
    highest = 0.0
    while due[0][0] < until:
        now, i = heapq.heappop(due)
        table = processes[i].tick(table, now)
        highest = max(highest, sum(process.rate for process in processes))
        heapq.heappush(due, (now + gaps[i], i))
    return highest


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0.1, 2.0)), min_size=1, max_size=8))
def test_all_together_keep_to_the_budget_and_leave_little_of_it(drawn: list[tuple[float, float]]) -> None:
    processes = [Process(str(i), load) for i, (load, _) in enumerate(drawn)]
    highest = play(processes, [gap for _, gap in drawn], 30.0)
    assert highest <= BUDGET * (1 + 2 * TRICKLE)
    served = sum(min(process.rate, process.load) for process in processes)
    assert served >= 0.7 * min(sum(process.load for process in processes), BUDGET)


def test_busy_ones_share_equally_and_an_idle_ones_part_is_used_by_the_others() -> None:
    busy, other, idle = Process("a", 1000), Process("b", 1000), Process("c", 0)
    play([busy, other, idle], [0.5, 0.5, 0.5], 20.0)
    assert busy.rate == pytest.approx(other.rate) == pytest.approx((BUDGET - idle.rate) / 2)
    assert 0 < idle.rate <= BUDGET * TRICKLE


def test_alone_it_has_all() -> None:
    assert share(0.0, 50.0, ()) == 50.0
    assert alone(50.0, ()) == 50.0


def test_a_newcomer_gets_only_what_the_others_have_left_until_they_give_way() -> None:
    veteran = Entry(1, BUDGET, BUDGET, BUDGET)
    assert share(BUDGET, BUDGET, [veteran]) == pytest.approx(BUDGET * TRICKLE / 2)
    newcomer = Entry(1, BUDGET * TRICKLE / 2, BUDGET, BUDGET)
    assert share(BUDGET, BUDGET, [newcomer]) == pytest.approx(BUDGET / 2)


def test_who_states_less_is_held_to_it_and_holds_nobody_else_to_it() -> None:
    modest, large = Process("a", 1000, budget=4.0), Process("b", 1000, budget=500.0)
    play([modest, large], [0.5, 0.5], 20.0)
    assert modest.rate == pytest.approx(4.0)
    assert large.rate == pytest.approx(496.0)


def test_without_the_table_all_have_equal_parts() -> None:
    others = [Entry(1, 1.0, 0.0, BUDGET), Entry(1, 98.0, BUDGET, BUDGET)]
    assert alone(BUDGET, others) == pytest.approx(BUDGET / 3)
    assert alone(4.0, others) == 4.0


def test_only_entries_that_change_are_those_of_living_processes() -> None:
    hearing, one, two = Hearing(), Entry(1, 1.0, 1.0, 1.0), Entry(2, 1.0, 1.0, 1.0)
    assert set(hearing.living({"a": one, "b": one}, 0.0)) == {"a", "b"}
    assert set(hearing.living({"a": two, "b": one}, GONE_SECONDS - 0.1)) == {"a", "b"}
    assert (hearing.is_news("a", GONE_SECONDS - 0.1), hearing.is_news("b", GONE_SECONDS - 0.1)) == (True, False)
    assert set(hearing.living({"a": two, "b": one}, GONE_SECONDS)) == {"a"}


def test_a_table_is_read_back_and_nonsense_is_passed_over() -> None:
    table = {"a": Entry(1, 2.0, 3.0, 4.0, 5.0)}
    assert decode(encode(table)) == table
    for nonsense in (None, "", "{", "[]", '{"a": 1}', '{"a": {"beat": 1}}', '{"a": {"beat": "x", "rate": 1}}', "3"):
        assert decode(nonsense) == {}


def test_a_waiting_request_goes_sooner_when_the_rate_rises_and_later_when_it_falls() -> None:
    bucket = Bucket(10.0, 0.0)
    ticket = bucket.take(0.0, 15)
    assert bucket.wait(ticket, 0.0) == pytest.approx(0.5)
    bucket.change(1.0, 0.1)
    assert bucket.wait(ticket, 0.1) == pytest.approx(4.0)
    bucket.change(40.0, 0.1)
    assert bucket.wait(ticket, 0.1) == pytest.approx(0.1)
    assert bucket.backlog(0.1) == pytest.approx(4.0)


def test_what_was_saved_up_at_a_higher_rate_is_forfeit() -> None:
    bucket = Bucket(100.0, 0.0)
    bucket.change(10.0, 5.0)
    assert bucket.wait(bucket.take(5.0, 11), 5.0) == pytest.approx(0.1)
