"""What a known job becomes when its manifests come again."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_api import JobStatus, MintJobSpec, Phase
from mintworks_cli.adopt import adopt, frozen_changes, merge, source_hashes
from mintworks_cli.problems import Problem
from mintworks_cli.resources import JobManifest
from mintworks_cli.state import JobRecord
from support.manifests import ALL, METADATA, MINT, ROWS, resources, supplies

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def job(text: str) -> JobManifest:
    (found,) = resources(text).jobs.values()
    return found


def spec(manifest: JobManifest) -> Mapping[str, Any]:
    found: Mapping[str, Any] = manifest.manifest.content["spec"]
    return found


def known(manifest: JobManifest, phase: Phase, sources: Mapping[str, str] | None = None, **more: Any) -> JobRecord:
    status = JobStatus(phase=phase, next_attempt_time=LATER)
    return JobRecord("u-1", NOW, spec(manifest), spec(manifest), sources or {}, status=status, **more)


def adopted(manifest: JobManifest, record: JobRecord | None, sources: Mapping[str, str] | None = None) -> JobRecord:
    found = adopt(manifest, spec(manifest), sources or {}, record, LATER)
    assert isinstance(found, JobRecord)
    return found


def refused(manifest: JobManifest, record: JobRecord, sources: Mapping[str, str] | None = None) -> list[Problem]:
    found = adopt(manifest, spec(manifest), sources or {}, record, LATER)
    assert isinstance(found, list)
    return found


def test_an_unknown_job_is_new() -> None:
    found = adopted(job(MINT), None)
    assert (found.created, found.generation, found.status.phase) == (LATER, 1, None)
    assert found.uid != adopted(job(MINT), None).uid


def test_a_success_stays_and_a_failure_begins_anew() -> None:
    done = known(job(MINT), Phase.SUCCEEDED, result={"items": 2})
    assert adopted(job(MINT), done).result == {"items": 2}
    assert adopted(job(MINT), done).uid == "u-1"
    assert adopted(job(MINT), known(job(MINT), Phase.FAILED)).uid != "u-1"


def test_one_under_way_goes_on_at_once() -> None:
    found = adopted(job(MINT), known(job(MINT), Phase.BACKOFF, inputs={"cid": "x"}))
    assert (found.uid, found.inputs, found.status.next_attempt_time) == ("u-1", {"cid": "x"}, None)


def test_what_may_change_is_taken() -> None:
    changed = job(MINT.replace("chain:8899", "other:8899") + "  maxCost: '3'\n")
    found = adopted(changed, known(job(MINT), Phase.BACKOFF))
    assert found.spec["solana"] == {"rpcUrls": ["http://other:8899"]}
    assert (found.spec["maxCost"], found.generation) == ("3", 2)
    assert adopted(job(MINT), found).spec == spec(job(MINT))


def test_a_dry_run_may_become_a_real_one_and_not_back() -> None:
    plain, dry, real = (job(MINT + f"  dryRun: {value}\n") if value else job(MINT) for value in ("", "true", "false"))
    for after in (plain, real):
        found = adopted(after, known(dry, Phase.SUCCEEDED))
        assert (found.spec.get("dryRun"), found.generation) == (spec(after).get("dryRun"), 2)
        (problem,) = refused(dry, known(after, Phase.RUNNING))
        assert problem.field == "spec.dryRun"
    assert adopted(plain, known(real, Phase.RUNNING)).uid == "u-1"


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.SUCCEEDED])
def test_what_may_not_change_is_refused(phase: Phase) -> None:
    (problem,) = refused(job(MINT.replace("capacity: 8", "capacity: 9")), known(job(MINT), phase))
    assert str(problem).startswith("f.yaml:8: MintJob/mint: spec.tree: may not change")
    assert "--state" in str(problem)


def test_inside_what_may_change_the_rest_stays_frozen() -> None:
    changed = job(MINT.replace("  wallet", "    commitment: finalized\n  wallet"))
    (problem,) = refused(changed, known(job(MINT), Phase.RUNNING))
    assert problem.field == "spec.solana.commitment"


def test_a_spec_made_for_this_place_keeps_what_is_frozen() -> None:
    manifest = job(METADATA + "  storage: {kubo: {url: 'http://ipfs:5001'}}\n")
    without = {name: value for name, value in spec(manifest).items() if name != "storage"}
    first = adopt(manifest, without, {}, None, NOW)
    assert isinstance(first, JobRecord)
    # Kubo can be reached now, but what was begun without it ends without it.
    assert "storage" not in adopted(manifest, first).spec


def test_a_changed_source_is_refused_once_something_follows_from_it() -> None:
    old, new = (source_hashes(job(METADATA), supplies(METADATA, rows)) for rows in (ROWS, ROWS.replace("Two", "Three")))
    assert set(old) == {"rows"}
    assert old != new
    fresh = known(job(METADATA), Phase.RUNNING, old)
    assert adopted(job(METADATA), fresh, new).sources == new
    begun = known(job(METADATA), Phase.RUNNING, old, inputs={"rowsSha256": "x"})
    for record in (begun, known(job(METADATA), Phase.SUCCEEDED, old)):
        (problem,) = refused(job(METADATA), record, new)
        assert "f.yaml:5: MetadataJob/meta: spec.rows: its content changed" in str(problem)


def test_secrets_are_not_hashed() -> None:
    # A rotated key is no other job; and a hash of a short secret would tell it.
    found = supplies(*ALL)
    mint = found.resources.jobs["default", "MintJob", "mint"]
    assert source_hashes(mint, found) == {}


SPECS = st.fixed_dictionaries(
    {
        "solana": st.fixed_dictionaries(
            {"rpcUrls": st.lists(st.sampled_from(["http://a", "http://b"]), min_size=1, max_size=2)},
            optional={"commitment": st.just("finalized"), "priorityFee": st.just({"percentile": 5})},
        ),
        "batchSize": st.integers(1, 3),
    },
    optional={"maxCost": st.sampled_from(["1", "2"]), "suspend": st.booleans(), "queue": st.just("q")},
)


@given(SPECS, SPECS)
def test_a_merge_changes_nothing_frozen_and_everything_else(old: dict[str, Any], new: dict[str, Any]) -> None:
    merged = merge(MintJobSpec, old, new)
    assert list(frozen_changes(MintJobSpec, old, merged)) == []
    assert merge(MintJobSpec, merged, new) == merged
    assert merge(MintJobSpec, old, old) == old
    if not list(frozen_changes(MintJobSpec, old, new)):
        assert merged == new
