"""Plans are replayed by their seed, whatever the order of requests; kills come at every kind of write."""

from __future__ import annotations

from collections import Counter

from support.chaos.asked import Write
from support.chaos.kills import Kills, Moment
from support.chaos.plan import READS, WRITES, Fault, Plan, WatchFault

SUBJECTS = [f"patch storm-a metadatajobs o-{n} status" for n in range(2000)]


def test_a_seed_gives_the_same_faults_in_any_order() -> None:
    asked = [(subject, number) for subject in SUBJECTS[:200] for number in range(3)]
    first = {a: Plan(7).request(*a, write=True) for a in asked}
    assert {a: Plan(7).request(*a, write=True) for a in reversed(asked)} == first
    assert {a: Plan(8).request(*a, write=True) for a in asked} != first


def test_every_fault_comes_about_as_often_as_it_should() -> None:
    plan = Plan(1)
    drawn = Counter(fate.fault for s in SUBJECTS for n in range(10) if (fate := plan.request(s, n, write=True)))
    for fault, share in WRITES.items():
        assert 0.6 * share < drawn[fault] / 20_000 < 1.6 * share, fault
    assert not {Fault.CONFLICT, Fault.INVALID} & READS.keys()
    events = {met.fault for n in range(20_000) if (met := plan.event("watch storm-a jobs", n))}
    assert events == set(WatchFault)


def test_only_further_pages_expire() -> None:
    plan = Plan(1)
    pages = {fate.fault for n in range(2000) if (fate := plan.request("list", n, write=False, page=True))}
    firsts = {fate.fault for n in range(2000) if (fate := plan.request("list", n, write=False))}
    assert Fault.EXPIRED_PAGE in pages
    assert Fault.EXPIRED_PAGE not in firsts


def test_the_operator_is_killed_before_and_after_each_kind_of_write() -> None:
    kinds = (Write.RUN, Write.EVENT, Write.LEASE)
    kills = Kills(Plan(3), kinds)
    while kills.open:
        for write in (Write.RUN, Write.OTHER_STATUS, Write.EVENT, Write.LEASE):
            if kills.due(write) is not None:
                assert all(kills.due(w) is None for w in kinds for _ in range(50)), "one life ends once"
                kills.born()
    assert sorted(kills.done) == sorted((kind, moment) for kind in kinds for moment in Moment)


def test_reads_are_no_writes() -> None:
    kills = Kills(Plan(3), tuple(Write))
    assert all(kills.due(None) is None for _ in range(1000))
