"""Status writes that hold only against the version they were decided on, and what a refused one says of the cache."""

from __future__ import annotations

from typing import Any

from .api import Api, ApiError, Resource
from .cache import Cache

Json = dict[str, Any]


class StaleError(Exception):
    """The snapshot was older than the object: nothing was done, and a new pass is needed."""


def guard(obj: Json) -> Json:
    """What makes a write hold only against this version of this very object, not against another of its name."""
    meta = obj["metadata"]
    return {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}


async def write_status(api: Api, cache: Cache, resource: Resource, obj: Json, patch: Json) -> None:
    """A guarded merge patch of an object's status; the answer goes into the cache.

    Raises:
        StaleError: the object changed meanwhile, or is gone; the cache knows it now.
        ApiError: the request failed.
    """
    meta = obj["metadata"]
    body = {"metadata": guard(obj), "status": patch}
    try:
        answer = await api.patch(resource, meta["namespace"], meta["name"], body, "status")
    except ApiError as error:
        if error.status != 409 and not error.missing(meta["name"]):
            raise
        await refresh(api, cache, resource, obj)
        raise StaleError(str(error)) from error
    cache.put(resource, answer)


async def refresh(api: Api, cache: Cache, resource: Resource, obj: Json) -> None:
    """Reads an object that is not as the cache has it. What the cache drops it never takes in again."""
    meta = obj["metadata"]
    try:
        fresh = await api.get(resource, meta["namespace"], meta["name"])
    except ApiError as error:
        if not error.missing(meta["name"]):
            raise
        cache.drop(resource, meta["uid"])
        return
    if fresh["metadata"]["uid"] != meta["uid"]:
        cache.drop(resource, meta["uid"])
    cache.put(resource, fresh)
