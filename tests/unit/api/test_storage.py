"""What a storage asks of the pod and of a development run."""

from __future__ import annotations

from typing import Any

import pytest
from mintworks_api.refs import ObjectStore
from mintworks_api.storage import Storage

ENTRY = {"name": "s", "key": "k"}
KUBO = {"kubo": {"url": "http://ipfs:5001"}}
PINATA = {"pinata": {"secret": ENTRY}}
VOLUME = {"car": {"volume": {"claim": "c", "path": "p"}}}
STORE = {"car": {"objectStore": {"url": "s3://bucket/key", "secret": ENTRY}}}
OPEN = {"car": {"objectStore": {"url": "s3://bucket/key"}}}


@pytest.mark.parametrize(
    ("storage", "field"),
    [
        (KUBO, None),
        (PINATA, "to.pinata.secret"),
        (VOLUME, "to.car.volume"),
        (STORE, "to.car.objectStore.secret"),
        (OPEN, None),
    ],
)
def test_what_is_mounted(storage: dict[str, Any], field: str | None) -> None:
    mounts = Storage.parse(storage).mounts("to")
    assert [mount.field for mount in mounts] == ([] if field is None else [field])
    assert all(mount.read_only == (mount.claim is None) for mount in mounts)


@pytest.mark.parametrize(
    ("storage", "answers", "fits"),
    [(KUBO, True, True), (KUBO, False, False), (PINATA, True, False), (VOLUME, False, True), (STORE, False, True)],
)
def test_what_fits_a_development_run(storage: dict[str, Any], answers: bool, fits: bool) -> None:
    assert Storage.parse(storage).fits_development(lambda url: answers) == fits


def test_an_object_s_bucket_and_key() -> None:
    place = ObjectStore.parse({"url": "s3://bucket/in/rows ü+%.csv"})
    assert (place.bucket, place.key) == ("bucket", "in/rows ü+%.csv")
