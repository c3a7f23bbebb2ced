"""The storage that a spec names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mintworks_api.storage import Storage as StorageSpec

from mintworks_runners.core.context import JobContext
from mintworks_runners.core.errors import AttemptFailed

from .base import Storage
from .carfile import CarFile
from .kubo import open_kubo


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
        yield CarFile(environment.state / "cars" / f"{root}.car", "the state directory", stop)
    elif spec.kubo is not None:
        async with open_kubo(spec.kubo.url, stop) as kubo:
            yield kubo
    elif spec.car is not None and spec.car.volume is not None:
        volume = spec.car.volume
        yield CarFile(environment.mount(f"{field}.car.volume") / volume.path, f"claim {volume.claim}", stop)
    else:
        raise AttemptFailed("NoStorage", "this runner does not know the storage yet")
