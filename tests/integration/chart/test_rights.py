"""The rights that the chart gives, asked of a real API server's authorizer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.waiting import until

from .conftest import Render

RBAC = {"Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole"}


@dataclass(frozen=True)
class Installed:
    """A release's rights on the control plane: its namespace, its one tenant's, and a namespace of neither."""

    plane: ControlPlane
    system: str
    tenant: str
    other: str

    def may(self, who: str, verb: str, what: str, namespace: str) -> bool:
        """`what` is RESOURCE[.GROUP][/SUBRESOURCE][:NAME]."""
        path, _, name = what.partition(":")
        path, _, subresource = path.partition("/")
        resource, _, group = path.partition(".")
        attributes = {
            "namespace": namespace,
            "verb": verb,
            "group": group,
            "resource": resource,
            "subresource": subresource,
            "name": name,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": who, "groups": ["system:authenticated"], "resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        answer = json.loads(self.plane.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(review)))
        return bool(answer["status"]["allowed"])

    @property
    def operator(self) -> str:
        return f"system:serviceaccount:{self.system}:mw-mintworks"

    @property
    def runner(self) -> str:
        return f"system:serviceaccount:{self.tenant}:mintworks-runner"


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane, render: Render) -> Iterator[Installed]:
    end = uuid.uuid4().hex[:8]
    system, tenant, other = (f"{name}-{end}" for name in ("system", "tenant", "other"))
    control_plane.kubectl("create", "namespace", system)
    control_plane.kubectl("create", "namespace", other)
    made = render(f"tenants[0].namespace={tenant}", "tenants[0].createNamespace=true", namespace=system)
    text = yaml.safe_dump_all([manifest for manifest in made if manifest["kind"] in RBAC])
    control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=text)
    for role in ("view", "edit"):
        name = f"--clusterrole={role}"
        control_plane.kubectl("create", "rolebinding", role, name, f"--user={role}er-{end}", "--namespace", tenant)
    yield Installed(control_plane, system, tenant, other)
    control_plane.kubectl("delete", "clusterrole", "mw-mintworks-view", "mw-mintworks-edit")


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        *((verb, f"{kind}.mintworks.dev") for verb in ("get", "list", "watch") for kind in ("mintjobs", "jobqueues")),
        ("create", "jobqueues.mintworks.dev"),
        *((verb, "mintjobs.mintworks.dev") for verb in ("create", "delete")),
        ("patch", "mintjobs.mintworks.dev/status"),
        ("patch", "jobqueues.mintworks.dev/status"),
        *((verb, "jobs.batch") for verb in ("get", "list", "watch", "create", "delete")),
        *((verb, "pods") for verb in ("list", "watch")),
        ("create", "events.events.k8s.io"),
    ],
)
def test_the_operator_may_in_a_tenant_and_only_there(installed: Installed, verb: str, resource: str) -> None:
    assert installed.may(installed.operator, verb, resource, installed.tenant)
    assert not installed.may(installed.operator, verb, resource, installed.other)
    assert not installed.may(installed.runner, verb, resource, installed.tenant)


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        *((verb, "secrets") for verb in ("get", "list", "watch", "create", "update", "patch", "delete")),
        ("get", "configmaps"),
        ("get", "pods"),
        ("create", "pods"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("update", "mintjobs.mintworks.dev"),
        ("create", "jobschedules.mintworks.dev"),
        ("create", "serviceaccounts/token"),
        ("impersonate", "users"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
    ],
)
def test_the_operator_may_not(installed: Installed, verb: str, resource: str) -> None:
    for namespace in (installed.system, installed.tenant):
        assert not installed.may(installed.operator, verb, resource, namespace)


def test_the_operators_lease_is_one(installed: Installed) -> None:
    lease = "leases.coordination.k8s.io"
    assert installed.may(installed.operator, "create", lease, installed.system)
    assert installed.may(installed.operator, "update", f"{lease}:mw-mintworks", installed.system)
    assert not installed.may(installed.operator, "update", f"{lease}:another", installed.system)
    assert not installed.may(installed.operator, "create", lease, installed.tenant)


def test_people_get_theirs_through_view_and_edit(installed: Installed) -> None:
    end = installed.system.removeprefix("system-")

    def may(who: str, verb: str) -> bool:
        return installed.may(f"{who}-{end}", verb, "mintjobs.mintworks.dev", installed.tenant)

    # The aggregation is a controller's work; it takes a moment after the roles were made.
    until(lambda: may("viewer", "get") and may("editer", "create"), "aggregated roles", 30)
    assert not may("viewer", "create")
    assert may("editer", "patch")
    assert not installed.may(f"editer-{end}", "patch", "mintjobs.mintworks.dev/status", installed.tenant)
