"""References from a job to what it reads: secrets, claims, sources, other jobs. None carries a namespace."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from .base import SEGMENT, Cid, DnsName, FileKey, HttpUrl, Model, RelativePath, Rule, Sha256


@dataclass(frozen=True)
class Names:
    """Marks a field that names another object of the job's namespace, as `Annotated[DnsName, Names(…)]`.

    The chart's admission policy is made from it: whoever writes such a name must have the right to `get` that object.
    """

    group: str
    resource: str
    kind: str


@dataclass(frozen=True)
class JobRef:
    """Another job in the same namespace that must have succeeded first; `field` is where the spec names it.

    `any_end`: it need only have come to its end. `with_own`: what it builds on itself is handed over as well, under the
    names `NAME.OTHER`.
    """

    kind: str
    name: str
    field: str
    any_end: bool = False
    with_own: bool = False

    def beneath(self, inner: JobRef) -> str:
        """The name under which a job that this one builds on is handed over: names of jobs hold no dot."""
        return f"{self.name}.{inner.name}"


@dataclass(frozen=True)
class Mount:
    """One thing that a run's pod mounts at `MOUNTS/<field>`; exactly one of secret, config_map and claim is set.

    `key` is the one entry of a Secret or ConfigMap that is mounted, as a file of that name.
    """

    field: str
    secret: str | None = None
    config_map: str | None = None
    claim: str | None = None
    key: str | None = None
    read_only: bool = True


def exactly_one(model: Model, names: tuple[str, ...]) -> None:
    """Raises ValueError unless exactly one of the fields is set: the twin of `one_of`."""
    wanted = " or ".join(names)
    given = [n for n in names if getattr(model, _attribute(type(model), n)) is not None]
    if len(given) != 1:
        raise ValueError(f"exactly one of {wanted} must be set, got {', '.join(given) or 'none'}")


@cache
def _attribute(model: type[Model], alias: str) -> str:
    return next(n for n, f in model.model_fields.items() if (f.alias or n) == alias)


def one_of(*names: str) -> Rule:
    """The CEL rule that exactly one of the fields is set."""
    has = ", ".join(f"has(self.{n})" for n in names)
    return Rule(f"[{has}].filter(x, x).size() == 1", f"exactly one of {' or '.join(names)} must be set")


class SecretKeyRef(Model):
    """One entry of a Secret in the job's namespace."""

    name: Annotated[DnsName, Names("", "secrets", "Secret")] = Field(description="Name of the Secret.")
    key: FileKey = Field(description="Entry of the Secret.")

    def mount(self, field: str) -> Mount:
        """The mount that brings this entry into the pod."""
        return Mount(field=field, secret=self.name, key=self.key)


class ConfigMapKeyRef(Model):
    """One entry of a ConfigMap in the job's namespace (at most 1 MiB, some 5,000 rows)."""

    name: Annotated[DnsName, Names("", "configmaps", "ConfigMap")] = Field(description="Name of the ConfigMap.")
    key: FileKey = Field(description="Entry of the ConfigMap.")


class VolumePath(Model):
    """A path in a PersistentVolumeClaim of the job's namespace."""

    claim: Annotated[DnsName, Names("", "persistentvolumeclaims", "PersistentVolumeClaim")] = Field(
        description="Name of the PersistentVolumeClaim."
    )
    path: RelativePath = Field(description="Path inside the volume, relative, without `..`.")


class HttpSource(Model):
    """A file fetched by HTTP(S). Redirects are not followed."""

    url: HttpUrl = Field(description="http or https URL without user info and without a query.")
    sha256: Sha256 = Field(description="Hex SHA-256 that the content must have.")


class IpfsSource(Model):
    """A file in IPFS, read block by block through a gateway; each block is held to its CID."""

    cid: Cid = Field(description="Root CID.")
    path: RelativePath | None = Field(None, description="Path below the root.")
    gateway: HttpUrl = Field(description="Gateway that serves it, for example http://ipfs:8080.")


#: A bucket as S3 names them, and a key that is a relative path.
S3_PATTERN = rf"^s3://[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]/{SEGMENT}(/{SEGMENT})*$"


class ObjectStore(Model):
    """An object in an object store that speaks the S3 API."""

    url: Annotated[str, Field(pattern=S3_PATTERN, max_length=1100)] = Field(
        description="s3://BUCKET/KEY, the key a relative path without `..`."
    )
    endpoint: HttpUrl | None = Field(None, description="Address of the API. Default: that of AWS for the region.")
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=63)] = Field(
        "us-east-1", description="Region. Default: us-east-1."
    )
    path_style: bool | None = Field(
        None,
        description="Whether the bucket stands in the path, not in the host's name. Default: true with an endpoint.",
    )
    secret: SecretKeyRef | None = Field(
        None,
        description="Credentials as AWS's tools keep them in ~/.aws/credentials; the profile default, or the only one. "
        "Default: none, for what anybody may read.",
    )

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.url.removeprefix("s3://").partition("/")[0]

    @property
    def key(self) -> str:
        """The object's key."""
        return self.url.removeprefix("s3://").partition("/")[2]

    def mounts(self, field: str) -> list[Mount]:
        """What the pod mounts to use it."""
        return [] if self.secret is None else [self.secret.mount(f"{field}.secret")]


class Source(Model):
    """Where content comes from: exactly one of its members. Never a Secret, because content is published."""

    rules: ClassVar[tuple[Rule, ...]] = (one_of("configMap", "volume", "http", "ipfs", "objectStore"),)

    config_map: ConfigMapKeyRef | None = Field(None, description="An entry of a ConfigMap.")
    volume: VolumePath | None = Field(None, description="A file on a PersistentVolumeClaim.")
    http: HttpSource | None = Field(None, description="A file by HTTP(S), with its checksum.")
    ipfs: IpfsSource | None = Field(None, description="A file in IPFS.")
    object_store: ObjectStore | None = Field(None, description="An object in an object store (S3 API).")

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("configMap", "volume", "http", "ipfs", "objectStore"))
        return self

    def mounts(self, field: str) -> list[Mount]:
        """What the pod mounts to read it: of what comes over the network, the credentials alone."""
        if self.config_map is not None:
            return [Mount(field=field, config_map=self.config_map.name, key=self.config_map.key)]
        if self.volume is not None:
            return [Mount(field=field, claim=self.volume.claim)]
        return self.object_store.mounts(f"{field}.objectStore") if self.object_store is not None else []
