"""When an API server serves the CRDs that it was given."""

from __future__ import annotations

import json
from typing import Any

from mintworks_dev.cluster.client import Client
from mintworks_dev.cluster.waiting import until

TIMEOUT = 30.0
"""Seconds until it must; it takes less than one."""


def established(client: Client) -> None:
    """Wait until every CRD is served. `kubectl wait` fails where it finds one that has no conditions yet.

    Raises NotReadyError when one is not in time.
    """
    until(lambda: _established(client), "CRDs", TIMEOUT)


def _established(client: Client) -> bool:
    found = json.loads(client.kubectl("get", "crd", "--output=json"))["items"]
    return all({"Established": "True"}.items() <= _conditions(crd).items() for crd in found)


def _conditions(crd: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in crd.get("status", {}).get("conditions") or []}
