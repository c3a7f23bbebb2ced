"""The check of a history finds what it is there to find."""

from __future__ import annotations

from typing import Any

from support.chaos.history import Change
from support.chaos.invariants import violations

Json = dict[str, Any]
LIMITS = {"default": 2, "wide": 2, "spare": 9}


class Told:
    """A history under construction."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def see(self, type_: str, kind: str, name: str, uid: str, **parts: Any) -> Told:
        version = len(self.changes) + 1
        labels = parts.pop("labels", {})
        meta = {"namespace": "a", "name": name, "uid": uid, "labels": labels, "resourceVersion": str(version)}
        self.changes.append(Change(version, type_, kind, {"metadata": meta, **parts}))
        return self

    def resource(self, uid: str, **spec: Any) -> Told:
        return self.see("ADDED", "MintJob", f"job-{uid}", uid, spec=spec)

    def reserve(self, *runs: tuple[str, int], queue: str = "spare") -> Told:
        reservations = [{"uid": uid, "run": run} for uid, run in runs]
        return self.see("MODIFIED", "JobQueue", queue, queue, status={"reservations": reservations})

    def job(self, uid: str, run: int, type_: str = "ADDED", mark: str = "", ended: bool = False) -> Told:
        conditions = [{"type": "Complete", "status": "True"}] if ended else []
        name = f"job-{uid}-{run}"
        status = {"conditions": conditions}
        return self.see(type_, "Job", name, name + mark, labels=_labels(uid, run), status=status)

    def pod(self, uid: str, run: int, phase: str, type_: str = "MODIFIED", mark: str = "") -> Told:
        name = f"pod-{uid}-{run}{mark}"
        return self.see(type_, "Pod", name, name, labels=_labels(uid, run), status={"phase": phase})

    @property
    def wrong(self) -> list[str]:
        return violations(self.changes, LIMITS)


def _labels(uid: str, run: int) -> Json:
    return {"mintworks.dev/uid": uid, "mintworks.dev/run": str(run)}


def started(*uids: str) -> Told:
    told = Told().reserve(*((uid, run) for uid in uids for run in (1, 2)))
    for uid in uids:
        told.resource(uid).job(uid, 1).pod(uid, 1, "Running", "ADDED")
    return told


def test_a_job_that_is_tried_again_is_right() -> None:
    told = Told().resource("u").reserve(("u", 1)).job("u", 1).pod("u", 1, "Running", "ADDED").pod("u", 1, "Failed")
    assert told.job("u", 1, "MODIFIED", ended=True).reserve(("u", 2)).job("u", 2).wrong == []


def test_a_run_that_is_deleted_may_be_followed_once_its_pod_is_gone() -> None:
    told = started("u").job("u", 1, "DELETED")
    assert len(told.job("u", 2).wrong) == 1
    told = started("u").pod("u", 1, "Running", "DELETED").job("u", 1, "DELETED")
    assert told.job("u", 2).wrong == []


def test_two_runs_at_once() -> None:
    assert "2 runs of u live at once" in started("u").job("u", 2).wrong[0]


def test_a_number_used_twice() -> None:
    told = started("u").pod("u", 1, "Failed").job("u", 1, "DELETED")
    assert "created twice" in told.job("u", 1, mark="again").wrong[0]


def test_two_pods_of_a_run() -> None:
    assert "has 2 pods" in started("u").pod("u", 1, "Running", "ADDED", mark="b").wrong[0]


def test_a_run_without_a_reservation() -> None:
    assert "without a reservation" in Told().resource("u").job("u", 1).wrong[0]


def test_too_many_reservations() -> None:
    assert "3 reservations of 2" in Told().reserve(("u", 1), ("v", 1), ("w", 1), queue="wide").wrong[0]


def test_too_many_runs_in_a_queue() -> None:
    told = started("u", "v").reserve(("w", 1), ("x", 1), queue="wide").resource("w", queue="wide").job("w", 1)
    assert told.wrong == []
    told.resource("x").job("x", 1)
    assert "3 runs in a/default, which allows 2" in told.wrong[0]


def test_an_exclusive_key_held_twice() -> None:
    tree = {"tree": {"address": "T"}}
    told = Told().resource("u", **tree).resource("v", queue="wide", **tree).reserve(("u", 1), ("v", 1))
    assert "2 runs hold a/T" in told.job("u", 1).job("v", 1).wrong[0]
