"""The admission policy is made of every field by which a job can make its pod mount something."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import pytest
from mintworks_api import JOB_KINDS, METADATA_JOB, MINT_JOB, JobSpec
from mintworks_api.base import DnsName, Model, nested_model
from mintworks_api.generate.rights import CHANGED, MAX_CHECKS, Reference, policy, references
from mintworks_api.refs import Names, SecretKeyRef
from pydantic import Field
from support.specs import CID, METADATA, MINT, UPLOAD

ENTRY = {"name": "other", "key": "k"}
STORE = {"objectStore": {"url": "s3://bucket/key", "secret": ENTRY}}
SOURCES: list[dict[str, Any]] = [{"configMap": ENTRY}, {"volume": {"claim": "other", "path": "p"}}, STORE]
FULL: list[tuple[str, dict[str, Any]]] = [
    *(("MetadataJob", {**METADATA, "rows": s, "images": {"map": s}}) for s in SOURCES),
    ("MetadataJob", {**METADATA, "storage": {"car": SOURCES[1]}}),
    ("MetadataJob", {**METADATA, "storage": {"car": STORE}}),
    ("MetadataJob", {**METADATA, "storage": {"pinata": {"secret": ENTRY}}}),
    ("MetadataJob", {**METADATA, "images": {"job": "other"}}),
    *(("UploadJob", {**UPLOAD, "files": {"archive": s}}) for s in SOURCES),
    ("UploadJob", {**UPLOAD, "files": SOURCES[1]}),
    ("CleanupJob", {"failedMint": {"job": "other", "solana": {"rpcSecret": ENTRY}}}),
    ("CleanupJob", {"content": {"cids": [CID], "storage": {"pinata": {"secret": ENTRY}}}}),
    *(("MintJob", {**MINT, "metadataFrom": {"cid": CID, "manifest": s}}) for s in SOURCES),
    ("MintJob", {**MINT, "solana": {"rpcSecret": ENTRY}, "ledger": SOURCES[1]}),
    ("MintJob", {**MINT, "collection": {"mint": "1" * 32, "authority": {"secret": ENTRY}}}),
]
RESOURCES = {"secret": "secrets", "config_map": "configmaps", "claim": "persistentvolumeclaims"}


def paths(kind: str) -> set[tuple[str, str]]:
    return {(r.path, r.names.resource) for r in references(JOB_KINDS[kind].spec)}


def test_the_references_of_the_kinds() -> None:
    assert paths("MintJob") == {
        ("spec.solana.rpcSecret.name", "secrets"),
        ("spec.wallet.secret.name", "secrets"),
        ("spec.collection.authority.secret.name", "secrets"),
        ("spec.metadataFrom.job", "metadatajobs"),
        ("spec.metadataFrom.manifest.configMap.name", "configmaps"),
        ("spec.metadataFrom.manifest.volume.claim", "persistentvolumeclaims"),
        ("spec.metadataFrom.manifest.objectStore.secret.name", "secrets"),
        ("spec.ledger.volume.claim", "persistentvolumeclaims"),
    }
    assert paths("MetadataJob") == {
        ("spec.rows.configMap.name", "configmaps"),
        ("spec.rows.volume.claim", "persistentvolumeclaims"),
        ("spec.images.job", "uploadjobs"),
        ("spec.images.map.configMap.name", "configmaps"),
        ("spec.rows.objectStore.secret.name", "secrets"),
        ("spec.images.map.volume.claim", "persistentvolumeclaims"),
        ("spec.images.map.objectStore.secret.name", "secrets"),
        ("spec.storage.pinata.secret.name", "secrets"),
        ("spec.storage.car.volume.claim", "persistentvolumeclaims"),
        ("spec.storage.car.objectStore.secret.name", "secrets"),
    }


@pytest.mark.parametrize(("kind", "spec"), FULL, ids=lambda v: str(v)[:60])
def test_whatever_a_pod_mounts_is_among_them(kind: str, spec: dict[str, Any]) -> None:
    parsed = JOB_KINDS[kind].parse(spec)
    for mount in [*parsed.mounts(), *parsed.shared_mounts()]:
        (resource,) = (r for attribute, r in RESOURCES.items() if getattr(mount, attribute) is not None)
        below = [p for p, r in paths(kind) if p.startswith(f"spec.{mount.field}.") and r == resource]
        assert below, mount
    for ref in parsed.depends_on():
        assert f"spec.{ref.field}" in {p for p, _ in paths(kind)}


def fields(model: type[Model], path: str) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield f"{path}.{name}", (field.annotation, tuple(field.metadata))
        below = nested_model(field.annotation)
        if below is not None and issubclass(below, Model):
            yield from fields(below, f"{path}.{name}")


def is_a_name(annotation: Any) -> bool:
    """Whether the type is that of names of Kubernetes objects."""
    pattern = typing.get_args(DnsName)[1].metadata[-1].pattern
    return pattern in str(annotation)


@pytest.mark.parametrize("kind", JOB_KINDS)
def test_no_field_holds_a_name_that_is_not_marked(kind: str) -> None:
    """A new reference that forgets its mark would be one that anybody may name."""
    named = [(path, of) for path, of in fields(JOB_KINDS[kind].spec, "spec") if is_a_name(of)]
    assert named
    for path, of in named:
        assert "Names(" in str(of), path


def test_a_path_can_be_led_by_another() -> None:
    """A template of a job has the same references, further down."""
    (first, *_) = references(MINT_JOB.spec, "spec.template.spec", ".?spec.?template.?spec")
    assert first == Reference(
        "spec.template.spec.solana.rpcSecret.name",
        ".?spec.?template.?spec.?solana.?rpcSecret.?name",
        Names("", "secrets", "Secret"),
    )


class Listing(JobSpec):
    """References in a list of models, and in one of names."""

    keys: Annotated[list[SecretKeyRef], Field(max_length=2)] = Field(description="Keys.")
    claims: (
        Annotated[list[Annotated[DnsName, Names("", "persistentvolumeclaims", "Claim")]], Field(max_length=1)] | None
    ) = Field(None, description="Claims.")


class Mapping(JobSpec):
    """References in a map, which cannot be gone through."""

    keys: Annotated[dict[str, Annotated[DnsName, Names("", "secrets", "Secret")]], Field(max_length=2)] = Field(
        description="Keys."
    )


class Long(JobSpec):
    """More references than one request may check."""

    keys: Annotated[list[SecretKeyRef], Field(max_length=MAX_CHECKS + 1)] = Field(description="Keys.")


def test_lists_are_checked_item_by_item() -> None:
    assert [(r.path, r.cel) for r in references(Listing)] == [
        ("spec.keys[0].name", ".?spec.?keys[?0].?name"),
        ("spec.keys[1].name", ".?spec.?keys[?1].?name"),
        ("spec.claims[0]", ".?spec.?claims[?0]"),
    ]


@pytest.mark.parametrize(("spec", "words"), [(Mapping, "in a map"), (Long, "can be checked in one request")])
def test_what_cannot_be_checked_is_not_left_out(spec: type[JobSpec], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        policy(replace(METADATA_JOB, spec=spec))


def test_a_kind_without_references_needs_no_policy() -> None:
    assert policy(replace(METADATA_JOB, spec=JobSpec)) is None


def test_what_a_job_does_is_all_but_its_policy_and_with_its_runner() -> None:
    made = policy(METADATA_JOB)
    assert made is not None
    (changed,) = [v["expression"] for v in made["variables"] if v["name"] == CHANGED]
    named = {part.partition(" ")[0] for part in changed.split("object.?spec.?")[1:]}
    assert {"rows", "images", "collection", "storage", "runner"} <= named
    assert not {"suspend", "priority", "startAfter", "maxAttempts", "ttl"} & named
