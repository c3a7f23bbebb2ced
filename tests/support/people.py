"""People with rights of their own on a real API server: it is asked as them, by impersonation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from mintworks_api import JOB_KINDS

from support.connection import library

Json = dict[str, Any]
GROUP = ("mintworks.dev", "v1alpha1")
OURS = ["jobqueues", "jobschedules", *(kind.plural for kind in JOB_KINDS.values())]

#: All that may be done to jobs and queues by somebody who has no other right.
JOBS: Json = {
    "apiGroups": ["mintworks.dev"],
    "resources": OURS,
    "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
}


def may(verb: str, resource: str, *names: str, group: str = "") -> Json:
    """A rule of a Role."""
    rule: Json = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
    return {**rule, "resourceNames": list(names)} if names else rule


def role(namespace: str, user: str, rules: Iterable[Json]) -> list[Json]:
    """A Role with these rules, and its binding to the user."""
    meta = {"name": user.replace(":", "-"), "namespace": namespace}
    api = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": meta, "rules": list(rules)},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": meta["name"]},
            "subjects": [{"apiGroup": api, "kind": "User", "name": user}],
        },
    ]


class Person:
    """One user in one namespace. Every method answers the API server's refusal, or None where it accepted."""

    def __init__(self, kubeconfig: Path, namespace: str, user: str) -> None:
        connection = library(kubeconfig)
        connection.set_default_header("Impersonate-User", user)
        self._custom: Any = client.CustomObjectsApi(connection)
        self.core: Any = client.CoreV1Api(connection)
        self.batch: Any = client.BatchV1Api(connection)
        self.namespace = namespace

    def create(
        self, plural: str, kind: str, name: str, spec: Mapping[str, Any], *, dry: bool = False, **more: Any
    ) -> str | None:
        """Create a resource of ours; `more` stands beside its spec, `metadata` in place of the plain one."""
        body = {"apiVersion": "/".join(GROUP), "kind": kind, "metadata": {"name": name}, "spec": spec, **more}
        options = {"dry_run": "All"} if dry else {}
        return refusal(self._custom.create_namespaced_custom_object, *GROUP, self.namespace, plural, body, **options)

    def patch(self, plural: str, name: str, patch: Json, *, part: str = "") -> str | None:
        """Merge into a resource of ours, or into its `status`."""
        call = f"patch_namespaced_custom_object{'_' if part else ''}{part}"
        return refusal(getattr(self._custom, call), *GROUP, self.namespace, plural, name, patch)


def refusal(call: Any, *arguments: Any, **options: Any) -> str | None:
    """What the API server says where it refuses; None where it accepts."""
    try:
        call(*arguments, **options)
    except ApiException as error:
        if error.status not in {400, 403, 422}:
            raise
        return str(json.loads(error.body or "{}").get("message"))
    return None
