"""One real Kubo for all tests of this folder, forgotten afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mintworks_dev.ipfs import Kubo


@pytest.fixture(scope="session")
def kubo() -> Iterator[Kubo]:
    """A daemon on 127.0.0.1 with an empty repository."""
    with Kubo() as node:
        yield node
