"""What every model of the API shares: naming, strictness, and the marks that `generate` turns into CRD schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

GROUP = "mintworks.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

MUTABLE = "x-mintworks-mutable"

# No part says more than some 30 years: whatever is written, a date with a duration added is still a date.
DURATION_PATTERN = r"^([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?([0-9]{1,12}ms)?$"
_DURATION = re.compile(DURATION_PATTERN)
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True)
class Rule:
    """A CEL rule of the object it stands in (`self`), with the message a person reads when it is broken.

    `cluster_only` marks what only a cluster demands; every other rule has a twin among the model's validators.
    """

    cel: str
    message: str
    field: str | None = None
    cluster_only: bool = False


class Model(BaseModel):
    """Base of all API models: camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    rules: ClassVar[tuple[Rule, ...]] = ()

    def wire(self) -> dict[str, Any]:
        """The object as it stands in YAML: camelCase, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class StatusModel(Model):
    """Base of status models: what a newer operator wrote must not stop an older one from reading."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


def mutable() -> dict[str, Any]:
    """`json_schema_extra` of a field that may change after creation. Every other field of a job's spec is frozen."""
    return {MUTABLE: True}


def parse_duration(text: str) -> timedelta:
    """`1h30m`, `90s`, `250ms`, `7d` as a timedelta.

    Raises:
        ValueError: the text is not made of days, hours, minutes, seconds, milliseconds, in this order, or a part of it
            is longer than some 30 years.
    """
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is not a duration such as 30s, 10m, 1h30m or 7d")
    days, hours, minutes, seconds, millis = (int((part or "0").rstrip("dhms")) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=millis)


Duration = Annotated[str, Field(pattern=DURATION_PATTERN, min_length=2, max_length=32)]
# A number of a status. JSON knows no bound, but the API server refuses what does not fit 64 bits. Its schema says that
# by `format: int64`: a bound there is a floating-point number, which 2**63-1 is not.
Count = Annotated[int, Field(ge=0, le=_INT64_MAX), WithJsonSchema({"type": "integer"})]
DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63)]
DnsName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=253)]
FileKey = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", min_length=1, max_length=253)]
# No empty, `.` or `..` segment and no leading slash: the path stays inside the volume or folder it names.
_SEGMENT = r"([^./\x00][^/\x00]*|\.[^./\x00][^/\x00]*|\.\.[^/\x00]+)"
RelativePath = Annotated[str, Field(pattern=f"^{_SEGMENT}(/{_SEGMENT})*$", min_length=1, max_length=1024)]
# Neither user info nor a query: both are where credentials hide, and this text is shown to everyone who may read jobs.
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+(/[^?#\s]*)?$", max_length=2048)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
Cid = Annotated[str, Field(pattern=r"^(b[a-z2-7]{58,110}|Qm[1-9A-HJ-NP-Za-km-z]{44})$", max_length=120)]
SolanaAddress = Annotated[str, Field(pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,44}$", max_length=44)]
Quantity = Annotated[
    str | int,
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
]
