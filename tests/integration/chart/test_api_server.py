"""A real API server accepts all that the chart renders, and its restricted profile admits the pods."""

from __future__ import annotations

import copy
import json

import yaml
from mintworks_dev.cluster import ControlPlane

from .conftest import Manifest


def test_server_side_dry_run(control_plane: ControlPlane, full: list[Manifest]) -> None:
    """The order of an installation: namespaces and CRDs first, since a dry run makes none of them."""
    for name in ("mintworks", "genesis", "drops"):
        label = {"pod-security.kubernetes.io/enforce": "restricted"}
        manifest: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": label}}
        control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))
    text = yaml.safe_dump_all(full)
    said = control_plane.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text
    )
    assert len(said.strip().splitlines()) == len(full)
    # PodSecurity only warns at workloads, and refuses the pods they make: so the pods themselves are tried.
    for manifest in full:
        if manifest["kind"] not in {"Deployment", "StatefulSet"}:
            continue
        template = copy.deepcopy(manifest["spec"]["template"])
        template["spec"].pop("serviceAccountName", None)  # a dry run made none
        template["spec"]["volumes"] += [
            {"name": claim["metadata"]["name"], "emptyDir": {}}
            for claim in manifest["spec"].get("volumeClaimTemplates", [])
        ]
        metadata = {**template["metadata"], "name": manifest["metadata"]["name"], "namespace": "mintworks"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        control_plane.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=json.dumps(pod))
