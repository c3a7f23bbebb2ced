"""The admission policy on a real API server: a person names in a job only what this person may `get`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

import pytest
import yaml
from mintworks_api import JOB_KINDS, METADATA_JOB, JobSpec
from mintworks_api.generate.crd import job_crd
from mintworks_api.generate.rights import MAX_CHECKS, policy
from mintworks_api.refs import SecretKeyRef
from mintworks_dev.cluster import ControlPlane, established
from pydantic import Field
from support.people import JOBS, Person, may, role
from support.polling import eventually
from support.specs import CID, METADATA, MINT, UPLOAD

from .conftest import Manifest, Render

POLICIES = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
OBJECTS = ("secrets", "configmaps", "persistentvolumeclaims")
#: `mine` is what the author may get; this one's job names it alone.
OWN_MINT: dict[str, Any] = {
    **MINT,
    "wallet": {"secret": {"name": "mine", "key": "id.json"}},
    "metadataFrom": {"job": "mine"},
}
OWN_METADATA: dict[str, Any] = {**METADATA, "rows": {"configMap": {"name": "mine", "key": "rows.csv"}}}


def source(form: str, name: str) -> dict[str, Any]:
    entry = {"name": name, "key": "k"}
    store = {"url": "s3://bucket/key", "secret": entry}
    return {form: {"configMap": entry, "volume": {"claim": name, "path": "p"}, "objectStore": store}[form]}


def named(name: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Field → (kind of job, kind of what is named, spec that names it there)."""
    entry, mint = {"name": name, "key": "k"}, "1" * 32
    return {
        "solana.rpcSecret.name": ("MintJob", "Secret", {**OWN_MINT, "solana": {"rpcSecret": entry}}),
        "wallet.secret.name": ("MintJob", "Secret", {**OWN_MINT, "wallet": {"secret": entry}}),
        "collection.authority.secret.name": (
            "MintJob",
            "Secret",
            {**OWN_MINT, "collection": {"mint": mint, "authority": {"secret": entry}}},
        ),
        "metadataFrom.job": ("MintJob", "MetadataJob", {**OWN_MINT, "metadataFrom": {"job": name}}),
        "metadataFrom.manifest.configMap.name": (
            "MintJob",
            "ConfigMap",
            {**OWN_MINT, "metadataFrom": {"cid": CID, "manifest": source("configMap", name)}},
        ),
        "metadataFrom.manifest.volume.claim": (
            "MintJob",
            "PersistentVolumeClaim",
            {**OWN_MINT, "metadataFrom": {"cid": CID, "manifest": source("volume", name)}},
        ),
        "metadataFrom.manifest.objectStore.secret.name": (
            "MintJob",
            "Secret",
            {**OWN_MINT, "metadataFrom": {"cid": CID, "manifest": source("objectStore", name)}},
        ),
        "ledger.volume.claim": ("MintJob", "PersistentVolumeClaim", {**OWN_MINT, "ledger": source("volume", name)}),
        "rows.configMap.name": ("MetadataJob", "ConfigMap", {**OWN_METADATA, "rows": source("configMap", name)}),
        "rows.volume.claim": ("MetadataJob", "PersistentVolumeClaim", {**OWN_METADATA, "rows": source("volume", name)}),
        "rows.objectStore.secret.name": (
            "MetadataJob",
            "Secret",
            {**OWN_METADATA, "rows": source("objectStore", name)},
        ),
        "failedMint.job": ("CleanupJob", "MintJob", {"failedMint": {"job": name}}),
        "failedMint.solana.rpcSecret.name": (
            "CleanupJob",
            "Secret",
            {"failedMint": {"job": "mine", "solana": {"rpcSecret": entry}}},
        ),
        "content.storage.pinata.secret.name": (
            "CleanupJob",
            "Secret",
            {"content": {"cids": [CID], "storage": {"pinata": {"secret": entry}}}},
        ),
        "images.job": ("MetadataJob", "UploadJob", {**OWN_METADATA, "images": {"job": name}}),
        "files.objectStore.secret.name": (
            "UploadJob",
            "Secret",
            {**UPLOAD, "files": source("objectStore", name)},
        ),
        "files.volume.claim": ("UploadJob", "PersistentVolumeClaim", {**UPLOAD, "files": source("volume", name)}),
        **{
            f"files.archive.{path}": ("UploadJob", what, {**UPLOAD, "files": {"archive": source(form, name)}})
            for form, path, what in (
                ("configMap", "configMap.name", "ConfigMap"),
                ("volume", "volume.claim", "PersistentVolumeClaim"),
                ("objectStore", "objectStore.secret.name", "Secret"),
            )
        },
        "images.map.configMap.name": (
            "MetadataJob",
            "ConfigMap",
            {**OWN_METADATA, "images": {"map": source("configMap", name)}},
        ),
        "images.map.volume.claim": (
            "MetadataJob",
            "PersistentVolumeClaim",
            {**OWN_METADATA, "images": {"map": source("volume", name)}},
        ),
        "images.map.objectStore.secret.name": (
            "MetadataJob",
            "Secret",
            {**OWN_METADATA, "images": {"map": source("objectStore", name)}},
        ),
        "storage.pinata.secret.name": (
            "MetadataJob",
            "Secret",
            {**OWN_METADATA, "storage": {"pinata": {"secret": entry}}},
        ),
        "storage.car.objectStore.secret.name": (
            "MetadataJob",
            "Secret",
            {**OWN_METADATA, "storage": {"car": source("objectStore", name)}},
        ),
        "storage.car.volume.claim": (
            "MetadataJob",
            "PersistentVolumeClaim",
            {**OWN_METADATA, "storage": {"car": source("volume", name)}},
        ),
    }


@dataclass(frozen=True)
class Tenant:
    """A namespace under the policy: its author may get what is called `mine`, its helper nothing but jobs."""

    namespace: str
    author: Person
    helper: Person
    admin: Person
    operator: Person
    timer: Person
    policies: list[str]


@pytest.fixture(scope="module")
def tenant(control_plane: ControlPlane, render: Render) -> Iterator[Tenant]:
    end = uuid.uuid4().hex[:8]
    namespace, full = f"tenant-{end}", f"mw-{end}"
    operator = f"system:serviceaccount:system-{end}:{full}"
    own = [may("get", r, "mine") for r in OBJECTS]
    only_mine = {**JOBS, "verbs": ["create", "update", "patch"]}
    jobs = [
        only_mine,
        *(may("get", r, "mine", group="mintworks.dev") for r in ("metadatajobs", "uploadjobs", "mintjobs")),
    ]
    made: list[Manifest] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        *role(namespace, f"author-{end}", [*jobs, *own]),
        *role(namespace, f"helper-{end}", [only_mine]),
        *role(namespace, f"timer-{end}", [{**only_mine, "resources": ["jobschedules"]}]),
        *role(namespace, operator, [only_mine]),
        *role(namespace, f"admin-{end}", [JOBS, *(may("get", r) for r in OBJECTS)]),
    ]
    made += [m for m in render(f"fullnameOverride={full}", namespace=f"system-{end}") if m["kind"] in POLICIES]
    control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(made))
    users = (f"author-{end}", f"helper-{end}", f"admin-{end}", operator, f"timer-{end}")
    author, helper, admin, itself, timer = (Person(control_plane.kubeconfig, namespace, user) for user in users)
    policies = sorted(m["metadata"]["name"] for m in made if m["kind"] == "ValidatingAdmissionPolicy")
    for kind, spec in (
        ("MintJob", MINT),
        ("MetadataJob", METADATA),
        ("UploadJob", UPLOAD),
        ("CleanupJob", {"failedMint": {"job": "x"}}),
    ):
        eventually(f"the policy of {kind} is in force", partial(refused, helper, kind, spec))
        eventually("that of its schedules is in force", partial(refused_in_schedule, helper, kind, spec))
    yield Tenant(namespace, author, helper, admin, itself, timer, policies)
    for each in policies:
        control_plane.kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", each)


def refused(who: Person, kind: str, spec: dict[str, Any]) -> bool:
    return "you may not" in str(who.create(JOB_KINDS[kind].plural, kind, "probe", spec, dry=True))


def refused_in_schedule(who: Person, kind: str, spec: dict[str, Any]) -> bool:
    made = {"schedule": "@daily", "template": {"kind": kind, "spec": spec}}
    return "you may not" in str(who.create("jobschedules", "JobSchedule", "probe", made, dry=True))


def created(who: Person, kind: str, spec: dict[str, Any]) -> tuple[str, str | None]:
    name = f"job-{uuid.uuid4().hex[:8]}"
    return name, who.create(JOB_KINDS[kind].plural, kind, name, spec)


def test_the_table_holds_every_reference() -> None:
    """So that what is tried below is all that there is."""
    made = [policy(kind) for kind in JOB_KINDS.values()]
    fields = {v["messageExpression"].split(":")[0].removeprefix('"spec.') for p in made if p for v in p["validations"]}
    assert fields == named("x").keys()


@pytest.mark.parametrize("field", named("x"))
def test_what_its_author_may_not_get_a_job_cannot_name(tenant: Tenant, field: str) -> None:
    kind, what, spec = named("other")[field]
    _, said = created(tenant.author, kind, spec)
    assert said is not None
    assert f"spec.{field}: you may not get {what} other in namespace {tenant.namespace}" in said
    assert "forbidden" in said


@pytest.mark.parametrize("field", named("x"))
def test_what_its_author_may_get_a_job_can_name(tenant: Tenant, field: str) -> None:
    kind, _, spec = named("mine")[field]
    assert created(tenant.author, kind, spec)[1] is None


def scheduled(who: Person, kind: str, spec: dict[str, Any]) -> tuple[str, str | None]:
    name = f"schedule-{uuid.uuid4().hex[:8]}"
    made = {"schedule": "@daily", "template": {"kind": kind, "spec": spec}}
    return name, who.create("jobschedules", "JobSchedule", name, made)


@pytest.mark.parametrize("field", named("x"))
def test_nor_can_a_schedules_template(tenant: Tenant, field: str) -> None:
    kind, what, spec = named("other")[field]
    _, said = scheduled(tenant.author, kind, spec)
    assert f"spec.template.spec.{field}: you may not get {what} other in namespace {tenant.namespace}" in str(said)
    assert scheduled(tenant.author, *named("mine")[field][::2])[1] is None


def test_who_may_not_create_a_kind_of_job_cannot_have_a_schedule_make_it(tenant: Tenant) -> None:
    _, said = scheduled(tenant.timer, "MintJob", OWN_MINT)
    assert f"spec.template.kind: you may not create MintJob in namespace {tenant.namespace}" in str(said)
    name, said = scheduled(tenant.author, "MintJob", OWN_MINT)
    assert said is None
    assert tenant.timer.patch("jobschedules", name, {"spec": {"suspend": True}}) is None
    change = {"spec": {"template": {"spec": {"maxCost": "100"}}}}
    assert "you may not" in str(tenant.timer.patch("jobschedules", name, change))


def test_each_reference_that_is_refused_is_told_of_one_at_a_time_and_none_hides_behind_another(tenant: Tenant) -> None:
    """Two in one job: having a right to one does not open the other."""
    spec = {**OWN_MINT, "ledger": source("volume", "other")}
    assert "spec.ledger.volume.claim" in str(created(tenant.author, "MintJob", spec)[1])
    spec = {**spec, "wallet": {"secret": {"name": "other", "key": "k"}}}
    assert "you may not get" in str(created(tenant.author, "MintJob", spec)[1])


def test_who_has_no_right_may_still_pause_and_label_another_ones_job(tenant: Tenant) -> None:
    """An on-call person, Argo CD's controller: what does not change what the job does needs no right to its Secrets."""
    name, said = created(tenant.author, "MintJob", OWN_MINT)
    assert said is None
    for patch in (
        {"metadata": {"annotations": {"seen-by": "me"}, "labels": {"team": "b"}}},
        {"spec": {"suspend": True}},
        {"spec": {"priority": 0, "maxAttempts": 5, "ttl": "1h", "startAfter": "2030-01-01T00:00:00Z"}},
    ):
        assert tenant.helper.patch("mintjobs", name, patch) is None


@pytest.mark.parametrize(
    "change",
    [{"maxCost": "100"}, {"solana": {"rpcUrls": ["https://evil.example"]}}, {"solana": {"requestsPerSecond": 1}}],
    ids=str,
)
def test_who_has_no_right_cannot_turn_a_job_to_other_ends(tenant: Tenant, change: dict[str, Any]) -> None:
    """It would spend another one's wallet, or show its signatures to an endpoint of one's own."""
    name, said = created(tenant.author, "MintJob", OWN_MINT)
    assert said is None
    assert "you may not get Secret mine" in str(tenant.helper.patch("mintjobs", name, {"spec": change}))
    assert tenant.author.patch("mintjobs", name, {"spec": change}) is None


def test_the_operator_and_the_administrator_are_not_held_up(tenant: Tenant) -> None:
    """The operator may get no Secret; it would be refused, were it not exempt."""
    for who in (tenant.operator, tenant.admin):
        name, said = created(who, "MintJob", MINT)
        assert said is None
        assert who.patch("mintjobs", name, {"spec": {"maxCost": "1"}}) is None


def test_the_api_server_finds_nothing_wrong_with_the_expressions(control_plane: ControlPlane, tenant: Tenant) -> None:
    """It types them against the CRDs' schemas, and only warns."""
    for name in tenant.policies:

        def checked(name: str = name) -> dict[str, Any] | None:
            found = json.loads(control_plane.kubectl("get", "validatingadmissionpolicy", name, "-o", "json"))
            status: dict[str, Any] = found.get("status") or {}
            return status if "typeChecking" in status else None

        assert not eventually(f"{name} is type-checked", checked)["typeChecking"].get("expressionWarnings")


class Listing(JobSpec):
    """As many references as a policy may have, in a list."""

    keys: Annotated[list[SecretKeyRef], Field(max_length=MAX_CHECKS)] = Field(description="Keys.")


def test_a_list_of_references_is_checked_within_the_api_servers_budget(
    control_plane: ControlPlane, tenant: Tenant
) -> None:
    end = uuid.uuid4().hex[:8]
    kind = replace(
        METADATA_JOB,
        spec=Listing,
        kind=f"Listing{end}",
        plural=f"listings{end}",
        singular=f"listing{end}",
        short_names=(f"l{end}",),
    )
    meta, api = {"name": f"listing-{end}"}, "admissionregistration.k8s.io/v1"
    objects = [
        job_crd(kind),
        {"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": meta, "spec": policy(kind)},
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": meta,
            "spec": {"policyName": meta["name"], "validationActions": ["Deny"]},
        },
        *role(
            tenant.namespace,
            f"lister-{end}",
            [{**JOBS, "resources": [kind.plural]}, may("get", "secrets", "mine")],
        ),
    ]
    control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(objects))
    established(control_plane)
    lister = Person(control_plane.kubeconfig, tenant.namespace, f"lister-{end}")
    mine, other = {"name": "mine", "key": "k"}, {"name": "other", "key": "k"}

    def tried(keys: list[dict[str, str]]) -> str | None:
        return lister.create(kind.plural, kind.kind, f"job-{uuid.uuid4().hex[:8]}", {"keys": keys}, dry=True)

    last = f"spec.keys[{MAX_CHECKS - 1}].name: you may not get Secret other"
    eventually("the policy is in force", lambda: last in str(tried([*[mine] * (MAX_CHECKS - 1), other])))
    assert tried([mine] * MAX_CHECKS) is None
    assert "spec.keys[0].name: you may not" in str(tried([other]))
    control_plane.kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", meta["name"])
    control_plane.kubectl("delete", "crd", f"{kind.plural}.mintworks.dev")
