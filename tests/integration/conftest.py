"""One real control plane with the CRDs and one Kubo a session; a namespace of its own for each test that asks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.ipfs import Kubo


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """API server, etcd and controller manager; nothing runs pods here."""
    with ControlPlane(crds=True, audited=True) as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """A new namespace; it goes with the control plane."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    return name


@pytest.fixture(scope="session")
def kubo() -> Iterator[Kubo]:
    """A daemon on 127.0.0.1 whose repository was empty at its start."""
    with Kubo() as node:
        yield node
