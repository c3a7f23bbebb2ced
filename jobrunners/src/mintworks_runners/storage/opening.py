"""The storage that a spec names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mintworks_api.storage import Storage as StorageSpec

from mintworks_runners.core.context import JobContext
from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.s3.opening import open_bucket

from .base import Storage
from .carfile import CarFile
from .carobject import CarObject
from .kubo import open_kubo
from .pinata import open_pinata, read_jwt


@asynccontextmanager
async def open_storage(
    context: JobContext, spec: StorageSpec | None, root: str, field: str = "storage"
) -> AsyncIterator[Storage]:
    """The storage at `field` of the spec. Without one, in a run without a cluster, a CAR file named after `root`.

    AttemptFailed `NoStorage` where there is neither; InvalidInput where its Secret holds something else than it should.
    """
    environment, stop = context.environment, context.stop
    if spec is None:
        if environment.state is None:
            raise AttemptFailed("NoStorage", "the spec names no storage, and there is no state directory")
        yield CarFile(environment.state, f"cars/{root}.car", "the state directory", stop)
    elif spec.kubo is not None:
        async with open_kubo(spec.kubo.url, stop) as kubo:
            yield kubo
    elif spec.pinata is not None:
        pinata, secret = spec.pinata, f"{field}.pinata.secret"
        jwt = read_jwt(environment.mount(secret) / pinata.secret.key, secret)
        async with open_pinata(jwt, stop, api=pinata.api_url, uploads=pinata.upload_url) as account:
            yield account
    elif spec.car is not None and spec.car.volume is not None:
        volume = spec.car.volume
        yield CarFile(environment.mount(f"{field}.car.volume"), volume.path, f"claim {volume.claim}", stop)
    elif spec.car is not None and spec.car.object_store is not None:
        place = spec.car.object_store
        async with open_bucket(environment, place, f"{field}.car.objectStore") as bucket:
            yield CarObject(bucket, place, stop)
