"""When CRDs that were just applied are served."""

from __future__ import annotations

import json

from mintworks_dev.cluster import ControlPlane

from .kubelet import eventually


def established(plane: ControlPlane) -> None:
    """Waits until every CRD is served. `kubectl wait` fails where it finds one that has no conditions yet."""
    eventually("the CRDs are served", lambda: _established(plane), 60)


def _established(plane: ControlPlane) -> bool:
    found = json.loads(plane.kubectl("get", "crd", "-o", "json"))["items"]
    return all({"Established": "True"}.items() <= _conditions(crd).items() for crd in found)


def _conditions(crd: dict[str, dict[str, list[dict[str, str]]]]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in crd.get("status", {}).get("conditions") or []}
