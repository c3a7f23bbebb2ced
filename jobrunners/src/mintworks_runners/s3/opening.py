"""A bucket with its credentials, for sources and storages alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mintworks_api.refs import ObjectStore

from mintworks_runners.core.http import opened
from mintworks_runners.core.protocol import Environment

from .client import Bucket
from .credentials import read_credentials


@asynccontextmanager
async def open_bucket(environment: Environment, place: ObjectStore, field: str) -> AsyncIterator[Bucket]:
    """The bucket of the reference at `field` of the spec. InvalidInput where its Secret is not what it should be."""
    secret = f"{field}.secret"
    credentials = None
    if place.secret is not None:
        credentials = read_credentials(environment.mount(secret) / place.secret.key, secret)
    async with opened() as session:
        yield Bucket(place, credentials, session)
