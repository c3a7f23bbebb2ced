"""What the API server itself accepts, refuses and prints, with the CRDs that are shipped."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_api import API_VERSION, JOB_KINDS
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.commands import CommandError
from support.devnet import FIELDS, filled_in
from support.specs import ADDRESS, BAD, GOOD, METADATA, MINT, Bad

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(p.name for p in (ROOT / "examples").iterdir() if p.is_dir())


def manifest(kind: str, spec: dict[str, Any], name: str = "job") -> str:
    return yaml.safe_dump({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec})


def refusal(plane: ControlPlane, namespace: str, text: str) -> str:
    with pytest.raises(CommandError) as caught:
        plane.kubectl("-n", namespace, "apply", "--server-side", "-f", "-", stdin=text)
    return str(caught.value)


@pytest.mark.parametrize("kind", GOOD)
def test_good_specs_are_stored_without_defaults(control_plane: ControlPlane, namespace: str, kind: str) -> None:
    control_plane.kubectl("-n", namespace, "apply", "-f", "-", stdin=manifest(kind, GOOD[kind]))
    stored = json.loads(control_plane.kubectl("-n", namespace, "get", JOB_KINDS[kind].plural, "job", "-o", "json"))
    assert stored["spec"] == GOOD[kind]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_bad_specs_are_refused_readably(control_plane: ControlPlane, bad: Bad) -> None:
    answer = refusal(control_plane, "default", manifest(bad.kind, bad.spec))
    assert bad.field in answer
    assert bad.words in answer


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_accepted(control_plane: ControlPlane, namespace: str, example: str, tmp_path: Path) -> None:
    folder = filled_in(tmp_path / example) if example == "devnet" else ROOT / "examples" / example
    control_plane.kubectl("-n", namespace, "apply", "-f", str(folder))
    listed = control_plane.kubectl("-n", namespace, "get", "mintworks", "-o", "name")
    texts = [path.read_text() for path in folder.glob("*.yaml")]
    kinds = {m["kind"].lower() for text in texts for m in yaml.safe_load_all(text) if m["apiVersion"] == API_VERSION}
    assert kinds
    assert kinds == {re.split(r"\.", line)[0] for line in listed.split()}


def test_an_example_that_is_not_filled_in_is_refused(control_plane: ControlPlane, namespace: str) -> None:
    with pytest.raises(CommandError) as caught:
        control_plane.kubectl("-n", namespace, "apply", "-f", str(ROOT / "examples" / "devnet"))
    for field in FIELDS:
        # The API server writes an index in brackets.
        assert re.sub(r"\.(\d+)", r"[\1]", field) in str(caught.value)


def test_names_are_dns_labels(control_plane: ControlPlane) -> None:
    answer = refusal(control_plane, "default", manifest("MintJob", MINT, name="a.b"))
    assert "metadata.name must be a DNS label" in answer


def test_unknown_fields_are_refused(control_plane: ControlPlane) -> None:
    answer = refusal(control_plane, "default", manifest("MintJob", MINT | {"maxAttemps": 3}))
    assert "maxAttemps" in answer


CHANGES: list[tuple[str, dict[str, Any], str | None]] = [
    ("MintJob", {"suspend": True}, None),
    ("MintJob", {"priority": 0, "maxAttempts": 9, "ttl": "1h", "startAfter": "2030-01-01T00:00:00Z"}, None),
    ("MintJob", {"maxCost": "3.5"}, None),
    ("MintJob", {"solana": {"rpcUrls": ["https://other.example"], "requestsPerSecond": 5}}, None),
    ("MintJob", {"solana": {"rpcUrls": ["http://localnet:8899"], "commitment": "finalized"}}, "spec.solana.commitment"),
    ("MintJob", {"tree": {"address": ADDRESS}}, "spec.tree"),
    ("MintJob", {"batchSize": 1}, "spec.batchSize"),
    ("MintJob", {"queue": "other"}, "spec.queue"),
    ("MintJob", {"wallet": {"secret": {"name": "other", "key": "id.json"}}}, "spec.wallet"),
    ("MetadataJob", {"suspend": True}, None),
    ("MetadataJob", {"collection": {"name": "Other"}}, "spec.collection"),
    ("MetadataJob", {"rows": {"configMap": {"name": "other", "key": "rows.csv"}}}, "spec.rows"),
]


@pytest.mark.parametrize(("kind", "change", "refused"), CHANGES, ids=lambda v: json.dumps(v)[:60])
def test_only_what_the_design_names_may_change(
    control_plane: ControlPlane, namespace: str, kind: str, change: dict[str, Any], refused: str | None
) -> None:
    before = copy.deepcopy({"MintJob": MINT, "MetadataJob": METADATA}[kind])
    control_plane.kubectl("-n", namespace, "apply", "--server-side", "-f", "-", stdin=manifest(kind, before))
    after = manifest(kind, before | change)
    if refused is None:
        control_plane.kubectl("-n", namespace, "apply", "--server-side", "-f", "-", stdin=after)
        return
    answer = refusal(control_plane, namespace, after)
    assert refused in answer
    assert "cannot be changed after creation" in answer


def test_a_dry_run_can_be_made_a_real_one_and_not_back(control_plane: ControlPlane, namespace: str) -> None:
    def put(dry_run: bool | None) -> None:
        spec = MINT if dry_run is None else MINT | {"dryRun": dry_run}
        control_plane.kubectl("-n", namespace, "replace", "-f", "-", stdin=manifest("MintJob", spec))

    text = manifest("MintJob", MINT | {"dryRun": True})
    control_plane.kubectl("-n", namespace, "create", "-f", "-", stdin=text)
    for same_or_less in (True, False, None, False):
        put(same_or_less)
    with pytest.raises(CommandError, match=r"spec\.dryRun.*can only be changed to false"):
        put(True)
    put(None)
    with pytest.raises(CommandError, match=r"spec\.dryRun.*can only be changed to false"):
        put(True)


def test_printer_columns(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("-n", namespace, "apply", "-f", "-", stdin=manifest("MintJob", MINT))
    status = {"phase": "Running", "progress": {"summary": "60/100"}, "attempts": {"summary": "1/5"}}
    patch = json.dumps({"status": status})
    control_plane.kubectl("-n", namespace, "patch", "mj", "job", "--subresource=status", "--type=merge", "-p", patch)
    header, row = control_plane.kubectl("-n", namespace, "get", "mintjobs").splitlines()
    assert header.split() == ["NAME", "PHASE", "PROGRESS", "ATTEMPT", "AGE"]
    assert row.split()[:4] == ["job", "Running", "60/100", "1/5"]
