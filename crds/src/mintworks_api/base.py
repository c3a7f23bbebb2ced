"""What every model of the API shares: naming, strictness, and the marks that `generate` turns into CRD schema."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

GROUP = "mintworks.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

MUTABLE = "x-mintworks-mutable"
ONLY_TO = "x-mintworks-only-to"

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
    """Base of all API models: camelCase on the wire, unknown fields refused, and nothing taken for a value of another
    type. What the API server refuses, `mintworks run` refuses too.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, strict=True)

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _null_is_unset(cls, values: Any) -> Any:
        """As the API server has it, which drops a null wherever it may be dropped."""
        if not isinstance(values, Mapping) or (isinstance(values, dict) and None not in values.values()):
            return values
        known = {field.alias for field in cls.model_fields.values()}
        return {name: value for name, value in values.items() if value is not None or name not in known}

    @classmethod
    def parse(cls, values: Any) -> Self:
        """The model of what stands in YAML: fields by their names there alone.

        Raises:
            pydantic.ValidationError: with the path of each bad field.
        """
        return cls.model_validate(values, by_alias=True, by_name=False)

    def wire(self, only: set[str] | None = None) -> dict[str, Any]:
        """The object as it stands in YAML: camelCase, without what is unset. `only`: these fields of it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, include=only)


class StatusModel(Model):
    """Base of status models: what a newer operator wrote must not stop an older one from reading."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True, strict=False
    )


def nested_model(annotation: Any) -> type[Model] | type[StatusModel] | None:
    """The model that an annotation is, may be, or lists; None where it is of plain values."""
    if isinstance(annotation, type) and issubclass(annotation, Model | StatusModel):
        return annotation
    for argument in typing.get_args(annotation):
        if (found := nested_model(argument)) is not None:
            return found
    return None


def mutable(*, to: bool | None = None) -> dict[str, Any]:
    """`json_schema_extra` of a field that may change after creation. Every other field of a job's spec is frozen.

    With `to` it is a truth value that may change only to `to`.
    """
    return {MUTABLE: True} if to is None else {MUTABLE: True, ONLY_TO: to}


def only_to(field: FieldInfo) -> bool | None:
    """The one value that a mutable field may change to; None where it may change to any."""
    extra = field.json_schema_extra
    value = extra.get(ONLY_TO) if isinstance(extra, dict) else None
    return value if isinstance(value, bool) else None


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
LabelValue = Annotated[str, Field(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$", max_length=63)]
# A file's name in the pod: neither `.` nor anything that begins with two dots.
FileKey = Annotated[
    str, Field(pattern=r"^([-_a-zA-Z0-9]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$", min_length=1, max_length=253)
]
# No empty, `.` or `..` segment and no leading slash: the path stays inside the volume or folder it names.
SEGMENT = r"([^./\x00][^/\x00]*|\.[^./\x00][^/\x00]*|\.\.[^/\x00]+)"
RelativePath = Annotated[str, Field(pattern=f"^{SEGMENT}(/{SEGMENT})*$", min_length=1, max_length=1024)]
_OPEN_URL = (
    "a URL here holds neither user info nor a query nor a fragment: whoever may read jobs reads it; "
    "RPC endpoints with credentials go into solana.rpcSecret, and receivers know a webhook by its signature"
)


def _open_url(value: object) -> object:
    """The twin of HttpUrl's rule: a sentence in place of the pattern."""
    if isinstance(value, str) and ("?" in value or "#" in value or "@" in value.partition("://")[2].partition("/")[0]):
        raise ValueError(_OPEN_URL)
    return value


# Neither user info nor a query: both are where credentials hide, and this text is shown to everyone who may read jobs.
# Visible ASCII, as URLs are: what counts as white space beyond it, programs do not agree about.
HttpUrl = Annotated[
    str,
    Field(
        pattern=r"^https?://[!-\"$-.0->A-~]+(/[!-\"$->@-~]*)?$",
        max_length=2048,
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "!self.matches('^[^/]*//[^/]*@') && !self.matches('[?#]')", "message": _OPEN_URL}
            ]
        },
    ),
    BeforeValidator(_open_url),
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
Cid = Annotated[str, Field(pattern=r"^(b[a-z2-7]{58,110}|Qm[1-9A-HJ-NP-Za-km-z]{44})$", max_length=120)]
SolanaAddress = Annotated[str, Field(pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,44}$", max_length=44)]
# What pods accept: nothing negative. A number of 18 digits fits 64 bits.
QUANTITY_PATTERN = r"^[0-9]{1,18}(\.[0-9]{1,9})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e[0-9]{1,2})?$"
_QUANTITY = re.compile(QUANTITY_PATTERN)
_SCALES = {"": Decimal(1), "m": Decimal("0.001")}
_SCALES |= {unit: Decimal(1000) ** n for n, unit in enumerate("kMGTPE", 1)}
_SCALES |= {f"{unit}i": Decimal(1024) ** n for n, unit in enumerate("KMGTPE", 1)}
_SCALES |= {f"e{n:0{digits}}": Decimal(10) ** n for digits in (1, 2) for n in range(10**digits)}


def parse_quantity(value: str | int) -> Decimal:
    """`500m`, `2`, `1.5Gi` as a number: of cores, or of bytes.

    Raises:
        ValueError: it has another form, or is negative.
    """
    if isinstance(value, int) and 0 <= value <= _INT64_MAX:
        return Decimal(value)
    if isinstance(value, str) and (match := _QUANTITY.fullmatch(value)):
        unit = match[2] or ""
        return Decimal(value.removesuffix(unit)) * _SCALES[unit]
    raise ValueError(f"{value!r} is not a quantity such as 500m, 2 or 256Mi")


def _quantity(value: str | int) -> str | int:
    parse_quantity(value)
    return value


Quantity = Annotated[
    str | int,
    AfterValidator(_quantity),
    Field(json_schema_extra={"x-kubernetes-int-or-string": True, "pattern": QUANTITY_PATTERN, "minimum": 0}),
]
MOMENT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[-+][0-9]{2}:[0-9]{2})$"
_MOMENT = re.compile(MOMENT_PATTERN)
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
MOMENT_MESSAGE = "a time of the years 1970 to 8999 is needed, such as 2030-01-31T12:00:00Z"


def moment_rule(name: str) -> Rule:
    """The CEL rule that the field, where it is set, is a `Moment`."""
    # `format: date-time` alone lets an empty list pass, and times that no calendar has.
    bounds = (f"timestamp('{bound:%Y-%m-%dT%H:%M:%SZ}')" for bound in (_FIRST, _LAST))
    least, most = bounds
    return Rule(f"!has(self.{name}) || (self.{name} >= {least} && self.{name} < {most})", MOMENT_MESSAGE, field=name)


def _rfc3339(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return value
    raise ValueError(MOMENT_MESSAGE)


def _in_calendar(value: datetime) -> datetime:
    if not _FIRST <= value < _LAST:
        raise ValueError(MOMENT_MESSAGE)
    return value


#: A time of a spec, RFC 3339, far enough from the calendar's ends that a duration can be added anywhere.
Moment = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_rfc3339),
    AfterValidator(_in_calendar),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT_PATTERN}),
]


def without_null(value: Any) -> Any:
    """A map without entries that are null, as the API server stores it."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, Mapping) else value
