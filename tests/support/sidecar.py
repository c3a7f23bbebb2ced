"""A container that a policy of the cluster adds to pods, as service meshes do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

NAME = "mintworks-test-sidecar"


def policy(namespace: str, commands: Mapping[str, list[str]]) -> tuple[Json, Json]:
    """Policy and binding: the pods of these jobs get a container beside the runner's, with that command."""
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": NAME}}
    jobs = {"key": "mintworks.dev/job", "operator": "In", "values": sorted(commands)}
    chosen = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchExpressions": [jobs]},
        "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }
    table = ", ".join(f"{job!r}: {command!r}" for job, command in commands.items())
    container = (
        'Object.spec.containers{name: "sidecar", image: object.spec.containers[0].image, '
        f"command: {{{table}}}[object.metadata.labels['mintworks.dev/job']], "
        "securityContext: Object.spec.containers.securityContext{allowPrivilegeEscalation: false, "
        'capabilities: Object.spec.containers.securityContext.capabilities{drop: ["ALL"]}}}'
    )
    patch = {"expression": f'[JSONPatch{{op: "add", path: "/spec/containers/-", value: {container}}}]'}
    spec = {
        "matchConstraints": chosen,
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": patch}],
    }
    return (
        {**api, "kind": "MutatingAdmissionPolicy", "spec": spec},
        {**api, "kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": NAME}},
    )
