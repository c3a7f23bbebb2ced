"""The models alone: what they accept, what they refuse and how that reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_api import (
    JOB_KINDS,
    Dependency,
    JobQueueStatus,
    JobStatus,
    MetadataJobSpec,
    MintJobSpec,
    PolicyDefaults,
    parse_duration,
    resolve_policy,
)
from mintworks_api.base import DURATION_PATTERN, nested_model
from pydantic import ValidationError
from support.specs import ADDRESS, BAD, CID, GOOD, METADATA, MINT, Bad


@pytest.mark.parametrize("kind", GOOD)
def test_good_specs_round_trip(kind: str) -> None:
    spec = JOB_KINDS[kind].parse(GOOD[kind])
    assert JOB_KINDS[kind].parse(spec.wire()) == spec


def _explain(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())


@pytest.mark.parametrize("bad", [b for b in BAD if not b.cluster_only], ids=str)
def test_bad_specs_name_the_field(bad: Bad) -> None:
    with pytest.raises(ValidationError) as caught:
        JOB_KINDS[bad.kind].parse(bad.spec)
    assert bad.field.rsplit(".", 1)[-1] in _explain(caught.value)


@pytest.mark.parametrize("kind", GOOD)
def test_unknown_fields_are_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        JOB_KINDS[kind].parse({**GOOD[kind], "maxAttemps": 3})


@given(*(st.integers(0, 999) for _ in range(5)))
def test_durations_add_up(days: int, hours: int, minutes: int, seconds: int, millis: int) -> None:
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=millis)
    assert parse_duration(f"{days}d{hours}h{minutes}m{seconds}s{millis}ms") == expected


@pytest.mark.parametrize(
    "text", ["", "10", "s", "1s1m", "-1s", "1.5s", "1 s", "1s\n", "١s", "99999d", f"{10**20}d", f"{10**13}ms"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(st.from_regex(DURATION_PATTERN, fullmatch=True).filter(bool))
def test_every_duration_can_be_added_to_a_date(text: str) -> None:
    assert parse_duration(text.strip()) < timedelta(days=365 * 130)


@pytest.mark.parametrize("text", ["99999d", f"{10**20}d"])
def test_a_duration_without_bound_is_refused_by_the_model(text: str) -> None:
    with pytest.raises(ValidationError, match="timeout"):
        PolicyDefaults.model_validate({"timeout": text})


def _numbers(model: type[Any]) -> Iterator[tuple[type[Any], str]]:
    for name, field in model.model_fields.items():
        nested = nested_model(field.annotation)
        if nested is not None:
            yield from _numbers(nested)
        elif int in (field.annotation, *get_args(field.annotation)):
            yield model, field.alias or name


_KINDS = JOB_KINDS.values()
STATUS_MODELS: list[type[Any]] = [JobStatus, JobQueueStatus, *(m for k in _KINDS for m in (k.inputs, k.result))]


@pytest.mark.parametrize(("model", "name"), [pair for model in STATUS_MODELS for pair in _numbers(model)], ids=str)
@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_no_number_of_a_status_is_larger_than_the_api_server_takes(model: type[Any], name: str, number: int) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({name: number})
    assert any(e["loc"] == (name,) and e["type"] != "missing" for e in caught.value.errors())


def test_the_built_in_policy() -> None:
    policy = resolve_policy(PolicyDefaults(), None)
    assert (policy.max_attempts, policy.max_stalled, policy.priority) == (3, 3, 5)
    assert policy.backoff.wire() == {"type": "exponential", "delay": "2s", "maxDelay": "10m", "jitter": 0.2}


def test_the_jobs_value_beats_its_queues_and_backoff_merges_by_field() -> None:
    queue = PolicyDefaults.model_validate({"maxAttempts": 5, "priority": 0, "backoff": {"delay": "5s", "jitter": 0}})
    job = PolicyDefaults.model_validate({"maxAttempts": 2, "backoff": {"delay": "1s"}})
    policy = resolve_policy(job, queue)
    assert (policy.max_attempts, policy.priority) == (2, 0)
    assert (policy.backoff.delay, policy.backoff.jitter, policy.backoff.max_delay) == ("1s", 0, "10m")


def test_a_mint_job_builds_on_its_metadata_job() -> None:
    spec = MintJobSpec.model_validate(MINT)
    assert [(r.kind, r.name) for r in spec.depends_on()] == [("MetadataJob", "genesis-metadata")]
    result = {"cid": CID, "items": 3, "rowsSha256": "0" * 64, "bytes": 9}
    inputs = spec.initial_inputs({"genesis-metadata": Dependency("MetadataJob", "u", METADATA, {}, result)})
    assert inputs == {"cid": CID, "items": 3, "rowsSha256": "0" * 64}
    assert spec.exclusive(inputs) == [f"tree:minter/id.json/{CID}/"]


def test_a_tree_that_exists_is_held_by_its_address() -> None:
    spec = MintJobSpec.model_validate(MINT | {"tree": {"address": ADDRESS}})
    assert spec.exclusive({}) == [f"tree:{ADDRESS}"]


def test_what_pods_mount() -> None:
    collection = {"mint": ADDRESS, "authority": {"secret": {"name": "authority", "key": "k"}}}
    spec = MintJobSpec.model_validate(MINT | {"collection": collection})
    assert [(m.field, m.secret, m.key) for m in spec.mounts()] == [
        ("wallet.secret", "minter", "id.json"),
        ("collection.authority.secret", "authority", "k"),
    ]
    rows = JOB_KINDS["MetadataJob"].parse(METADATA)
    assert [(m.field, m.config_map) for m in rows.shared_mounts()] == [("rows", "rows")]


def test_dependents_never_mount_secrets() -> None:
    for kind, spec in GOOD.items():
        assert all(m.secret is None for m in JOB_KINDS[kind].parse(spec).shared_mounts())


def test_max_cost_is_exact() -> None:
    assert MintJobSpec.model_validate(MINT | {"maxCost": "0.123456789"}).max_cost_lamports == 123_456_789


def test_a_dry_run_of_a_spec_starts_now_and_stores_nothing() -> None:
    waiting = {"suspend": True, "delay": "1h", "maxAttempts": 9}
    mint = MintJobSpec.model_validate(MINT | waiting)
    assert not mint.is_dry_run()
    dry = mint.as_dry_run()
    assert dry.is_dry_run()
    assert (dry.suspend, dry.delay, dry.max_attempts) == (None, None, 1)
    assert MetadataJobSpec.model_validate(METADATA).as_dry_run().storage is None
