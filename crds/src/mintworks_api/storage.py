"""Where a job puts content."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Self

from pydantic import Field, model_validator

from .base import HttpUrl, Model, Rule
from .refs import Mount, ObjectStore, SecretKeyRef, VolumePath, exactly_one, one_of

#: In a cluster there is no other place: a pod's disk goes with it.
STORAGE_REQUIRED = Rule(
    "has(self.storage)",
    "required in a cluster: set kubo, pinata or car (only `mintworks run` works without storage)",
    field="storage",
    cluster_only=True,
)


class KuboStorage(Model):
    """A Kubo node: the folder is imported as a CAR by its RPC and pinned."""

    url: HttpUrl = Field(description="RPC of the node, for example http://ipfs:5001.")


class PinataStorage(Model):
    """Pinata: the folder is uploaded as a CAR to the public network by its Files API, version 3."""

    secret: SecretKeyRef = Field(
        description="The JWT of an API key with the rights org:files:write and org:files:read."
    )
    api_url: HttpUrl | None = Field(None, description="Another address of the API. Default: https://api.pinata.cloud.")
    upload_url: HttpUrl | None = Field(
        None, description="Another address for uploads. Default: https://uploads.pinata.cloud."
    )


class CarStorage(Model):
    """The folder as a CAR file."""

    rules: ClassVar[tuple[Rule, ...]] = (one_of("volume", "objectStore"),)

    volume: VolumePath | None = Field(None, description="Where the CAR is written, on a volume.")
    object_store: ObjectStore | None = Field(None, description="Where the CAR is written, in an object store.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("volume", "objectStore"))
        return self


class Storage(Model):
    """Where content goes: exactly one of its members."""

    rules: ClassVar[tuple[Rule, ...]] = (one_of("kubo", "pinata", "car"),)

    kubo: KuboStorage | None = Field(None, description="A Kubo node.")
    pinata: PinataStorage | None = Field(None, description="Pinata.")
    car: CarStorage | None = Field(None, description="A CAR file, on a volume or in an object store.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("kubo", "pinata", "car"))
        return self

    def mounts(self, field: str) -> list[Mount]:
        """What the pod mounts to write to it: a Secret, or the volume."""
        if self.pinata is not None:
            return [self.pinata.secret.mount(f"{field}.pinata.secret")]
        if self.car is None:
            return []
        if self.car.volume is not None:
            return [Mount(field=f"{field}.car.volume", claim=self.car.volume.claim, read_only=False)]
        return self.car.object_store.mounts(f"{field}.car.objectStore") if self.car.object_store is not None else []

    def fits_development(self, reachable: Callable[[str], bool]) -> bool:
        """Whether a run against a development chain puts content there: a node that can be reached, or a file. Pinata
        would publish it, for money.
        """
        return self.car is not None or (self.kubo is not None and reachable(self.kubo.url))
