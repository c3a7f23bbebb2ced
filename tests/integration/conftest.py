"""One real control plane a session, with the CRDs; a namespace of its own for each test that asks for one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from mintworks_dev.cluster import ControlPlane
from support.established import established

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """API server, etcd and controller manager; nothing runs pods here."""
    with ControlPlane(audited=True) as plane:
        yield with_crds(plane)


def with_crds(plane: ControlPlane) -> ControlPlane:
    """The control plane, once it serves our kinds."""
    plane.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    established(plane)
    return plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """A new namespace; it goes with the control plane."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    return name
