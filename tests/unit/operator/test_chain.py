"""Chains of jobs: applied in any order, a failed link, an edited or replaced input; and content that others name."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from mintworks_api import FINISHED, JOB_KINDS, JobStatus, Phase
from mintworks_operator.core import CreateRun, JobView, Snapshot, WriteStatus, decide, named_of
from support.snapshots import CREATED, NOW, finished, kinds, look, only, queue, reason_of, waiting, written
from support.specs import CID, CLEANUP, METADATA, MINT, RESULTS, UPLOAD

OTHER = "bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq"


def made(kind: str, name: str, spec: dict[str, Any], **fields: Any) -> JobView:
    return replace(JobView(kind, "ns", name, f"uid-{name}", 1, CREATED, spec), **fields)


IMAGES = made("UploadJob", "images", UPLOAD)
ROWS = made("MetadataJob", "rows", {**METADATA, "images": {"job": "images"}})
DROP = made("MintJob", "drop", {**MINT, "metadataFrom": {"job": "rows"}})
AUDIT = made("CleanupJob", "audit", {"failedMint": {"job": "drop"}})
CHAIN = (IMAGES, ROWS, DROP)


def ended(job: JobView, phase: Phase = Phase.SUCCEEDED, **fields: Any) -> JobView:
    """The job at its end."""
    result = RESULTS[job.kind] if phase is Phase.SUCCEEDED else None
    return replace(job, status=finished(phase), result=result, **fields)


def message(status: JobStatus) -> str:
    return next(c.message for c in status.conditions if c.type == "Progressing")


class Space:
    """A namespace in which every pass sees what the last ones wrote, and runs end as they are told to."""

    def __init__(self, ends: dict[str, Phase]) -> None:
        self.jobs: dict[str, JobView] = {}
        self.started: list[str] = []
        self._ends = ends

    def look(self) -> bool:
        """A pass over each job; whether anything moved."""
        before = dict(self.jobs)
        for name, job in before.items():
            refs = JOB_KINDS[job.kind].parse(job.spec).depends_on()
            found = {ref.name: self.jobs[ref.name] for ref in refs if ref.name in self.jobs}
            snapshot = Snapshot(job=job, queue=queue((job.uid, 1)), dependencies=found)
            decision = decide(snapshot, NOW)
            if any(isinstance(action, CreateRun) for action in decision.actions):
                self.started.append(name)
                self.jobs[name] = ended(job, self._ends.get(name, Phase.SUCCEEDED))
                continue
            for action in decision.actions:
                if isinstance(action, WriteStatus) and action.changed:
                    self.jobs[name] = replace(job, status=action.status)
        return self.jobs != before


@given(
    st.permutations(CHAIN),
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
    st.sampled_from([*(job.name for job in CHAIN), ""]),
)
def test_a_chain_in_any_order_comes_to_the_same_end(order: list[JobView], waits: list[int], bad: str) -> None:
    """Whatever comes first, however late: each link runs once, after the one before, and none after a failed one."""
    space = Space({bad: Phase.FAILED})
    for job, passes in zip(order, waits, strict=True):
        space.jobs[job.name] = job
        for _ in range(passes):
            space.look()
    while space.look():
        pass
    names = [job.name for job in CHAIN]
    last = names.index(bad) if bad else len(names)
    assert space.started == names[: last + 1]
    for name in names[last + 1 :]:
        follower = space.jobs[name].status
        assert follower.phase is Phase.PENDING
        assert [c.reason for c in follower.conditions if c.type == "Progressing"] == ["DependencyFailed"]
        # Which job, and why, however far up the chain.
        assert bad in message(follower)
        assert "no luck" in message(follower)


def test_what_holds_a_link_up_shows_in_those_after_it() -> None:
    stuck = replace(ROWS, status=written(look(ROWS)).status)
    decision = look(DROP, dependencies={"rows": stuck})
    assert reason_of(decision) == ("False", "DependencyNotFinished")
    assert "there is no UploadJob images" in message(written(decision).status)


def test_what_comes_by_itself_is_no_news() -> None:
    running = replace(ROWS, status=waiting(Phase.QUEUED))
    assert message(written(look(DROP, dependencies={"rows": running})).status).endswith("MetadataJob rows to succeed.")


@pytest.mark.parametrize("uid", ["uid-images", "uid-again"])
def test_a_link_made_anew_is_the_same_only_with_the_same_content(uid: str) -> None:
    frozen = replace(ROWS, status=waiting(), inputs={"imagesCid": CID})
    same = ended(IMAGES, uid=uid)
    assert "CreateRun" in kinds(look(frozen, dependencies={"images": same}, queue=queue(("uid-rows", 2))))
    other = replace(same, result={**RESULTS["UploadJob"], "cid": OTHER})
    decision = look(frozen, dependencies={"images": other}, queue=queue(("uid-rows", 2)))
    assert reason_of(decision) == ("False", "InputChanged")
    assert "CreateRun" not in kinds(decision)
    assert decision.slot is None


def test_the_images_are_frozen_with_the_first_run() -> None:
    decision = look(ROWS, dependencies={"images": ended(IMAGES)}, queue=queue(("uid-rows", 1)))
    assert written(decision).inputs == {"imagesCid": CID}
    create = only(decision, CreateRun)
    assert [mount.field for mount in create.shared_mounts["images"]] == ["files.archive"]


@pytest.mark.parametrize("phase", sorted(FINISHED))
def test_an_audit_waits_for_the_end_and_not_for_success(phase: Phase) -> None:
    beneath = {"drop": DROP, "drop.rows": ended(ROWS)}
    assert reason_of(look(AUDIT, dependencies=beneath)) == ("False", "DependencyNotFinished")
    decision = look(AUDIT, dependencies={**beneath, "drop": ended(DROP, phase)}, queue=queue(("uid-audit", 1)))
    create = only(decision, CreateRun)
    assert create.document["dependencies"].keys() == beneath.keys()
    assert [mount.field for mount in create.shared_mounts["drop.rows"]] == ["rows"]
    assert not create.mounts, "an audit needs no key"


def test_an_audit_needs_what_the_mint_job_was_made_of() -> None:
    decision = look(AUDIT, dependencies={"drop": ended(DROP, Phase.FAILED)}, queue=queue(("uid-audit", 1)))
    assert reason_of(decision) == ("False", "DependencyMissing")
    assert "MetadataJob rows" in message(written(decision).status)


CLEAN = made("CleanupJob", "clean", {**CLEANUP, "content": {**CLEANUP["content"], "cids": [CID, OTHER]}})


def test_what_others_name_is_frozen_and_held_against_the_cluster_before_each_run() -> None:
    decision = look(CLEAN, named=frozenset({OTHER}), queue=queue(("uid-clean", 1)))
    assert written(decision).inputs == {"kept": [OTHER]} == only(decision, CreateRun).document["inputs"]
    again = replace(CLEAN, status=waiting(), inputs={"kept": [OTHER]})
    for named in ({CID, OTHER}, set[str]()):
        decision = look(again, named=frozenset(named), queue=queue(("uid-clean", 2)))
        assert reason_of(decision) == ("False", "InputChanged")
        assert "CreateRun" not in kinds(decision)


NAMING = {
    "spec": made("MetadataJob", "a", METADATA),
    "spec that is not read": made("MetadataJob", "a", {"images": {"cid": CID}, "future": 1}),
    "inputs": replace(ROWS, inputs={"imagesCid": CID}),
    "result": replace(ROWS, result={"cid": CID}),
    "in a URL": replace(ROWS, inputs={"x": [f"ipfs://{CID}/1.png"]}),
    "another codec": replace(ROWS, inputs={"x": "bafkrei" + CID[7:]}),
}


@pytest.mark.parametrize("case", NAMING)
def test_a_job_names_content(case: str) -> None:
    assert named_of([CID, OTHER], [NAMING[case]]) == {CID}


def test_both_notations_are_one_content() -> None:
    old = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"
    new = "bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4y"
    for one, other in itertools.permutations((old, new)):
        assert named_of([one], [replace(ROWS, inputs={"x": other})]) == {one}


def test_who_only_removes_content_does_not_name_it() -> None:
    assert not named_of([CID], [replace(CLEAN, inputs={"kept": [CID]}), ROWS])
