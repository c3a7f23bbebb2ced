"""JobPolicy: what every job kind has in its spec, and how job, queue and built-in values become one policy."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from .base import (
    Count,
    DnsLabel,
    Duration,
    HttpUrl,
    LabelValue,
    Model,
    Moment,
    Quantity,
    Rule,
    StatusModel,
    moment_rule,
    mutable,
    parse_duration,
    without_null,
)


class Backoff(Model):
    """The wait between attempts: `delay` for the first, doubled for each further one when exponential."""

    type: Literal["exponential", "fixed"] | None = Field(
        None, description="exponential or fixed. Default: exponential."
    )
    delay: Duration | None = Field(None, description="Wait before the second attempt. Default: 2s.")
    max_delay: Duration | None = Field(None, description="Upper bound of the wait. Default: 10m.")
    jitter: float | None = Field(
        None, ge=0, le=1, description="Share of the wait that is random, 0 to 1. Default: 0.2."
    )


class Resources(Model):
    """CPU and memory, as Kubernetes quantities."""

    cpu: Quantity | None = Field(None, description="CPU, for example 500m or 2.")
    memory: Quantity | None = Field(None, description="Memory, for example 256Mi.")


class ResourceRequirements(Model):
    """Requests and limits of the runner's container. Anything unset is the chart's."""

    requests: Resources | None = Field(None, description="What is reserved for the container.")
    limits: Resources | None = Field(None, description="What the container may use at most.")


class Toleration(Model):
    """A taint that the runner's pod tolerates, as in a pod."""

    key: Annotated[str, Field(max_length=316)] | None = Field(None, description="Key of the taint. Default: any.")
    operator: Literal["Equal", "Exists"] | None = Field(None, description="Equal or Exists. Default: Equal.")
    value: LabelValue | None = Field(None, description="Value of the taint, with Equal.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Effect of the taint. Default: any."
    )


Image = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][-a-zA-Z0-9._:/@]*$", max_length=512)]
NodeSelector = Annotated[dict[str, LabelValue], Field(max_length=16), BeforeValidator(without_null)]


class RunnerOptions(Model):
    """How the runner's pod is made: within what the chart's `runner.allowed` lists."""

    resources: ResourceRequirements | None = Field(None, description="CPU and memory of the runner's container.")
    image: Image | None = Field(None, description="Another image, one of runner.allowed.images. Default: the chart's.")
    node_selector: NodeSelector | None = Field(
        None, description="Labels that the node must have, of runner.allowed.nodeSelector. Default: none."
    )
    tolerations: Annotated[list[Toleration], Field(max_length=16)] | None = Field(
        None, description="Taints that the pod tolerates, of runner.allowed.tolerations. Default: none."
    )


#: How a job can end, as a webhook names it: the phases that are ends.
Outcome = Literal["Succeeded", "Failed", "Cancelled"]
OUTCOMES: tuple[Outcome, ...] = ("Succeeded", "Failed", "Cancelled")


class Notify(Model):
    """A webhook: who is told of the job's end, by a signed POST."""

    url: HttpUrl = Field(
        description="Where to. https, or http where the chart's webhooks.allowHttp says so; no user info and no query."
    )
    on: Annotated[list[Outcome], Field(min_length=1, max_length=len(OUTCOMES))] | None = Field(
        None, description="Which ends are told: Succeeded, Failed, Cancelled. Default: all of them."
    )


class PolicyDefaults(Model):
    """What a queue can set for its jobs and a job for itself. No field has a schema default: a stored default would
    hide the queue's value.
    """

    priority: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="0 starts first, then lower numbers; first come first served within one. Default: 5.",
        json_schema_extra=mutable(),
    )
    max_attempts: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Attempts in all, the first included. Default: 3.",
        json_schema_extra=mutable(),
    )
    backoff: Backoff | None = Field(None, description="The wait between attempts.")
    timeout: Duration | None = Field(
        None, description="Longest time of one attempt, counted from its pod's start. Default: none."
    )
    max_stalled: int | None = Field(
        None,
        ge=0,
        le=100,
        description="Interruptions that are not the job's fault (eviction, drain) before it is Failed. Default: 3.",
    )
    start_timeout: Duration | None = Field(
        None, description="How long an attempt may hold a slot without its container running. Default: 10m."
    )
    ttl: Duration | None = Field(
        None,
        description="Delete this resource so long after it finished. Default: never.",
        json_schema_extra=mutable(),
    )
    notify: Notify | None = Field(None, description="A webhook that is called when the job ends. Default: none.")
    runner: RunnerOptions | None = Field(None, description="How the runner's pod is made.")


class JobPolicy(PolicyDefaults):
    """The policy part of every job's spec."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("!(has(self.startAfter) && has(self.delay))", "set startAfter or delay, not both", field="delay"),
        moment_rule("startAfter"),
    )

    queue: DnsLabel | None = Field(
        None,
        description="JobQueue of this namespace that admits the job. Default: `default`, made where it is missing.",
    )
    start_after: Moment | None = Field(
        None, description="Not before this time (RFC 3339).", json_schema_extra=mutable()
    )
    delay: Duration | None = Field(None, description="Not before this long after creation.")
    suspend: bool | None = Field(
        None,
        description="true: nothing starts; a running attempt stops at a safe point, goes on later, costs nothing.",
        json_schema_extra=mutable(),
    )

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if self.start_after is not None and self.delay is not None:
            raise ValueError("set startAfter or delay, not both")
        return self


class ResolvedBackoff(StatusModel):
    """A Backoff with every value decided."""

    type: Literal["exponential", "fixed"] = "exponential"
    delay: Duration = "2s"
    max_delay: Duration = "10m"
    jitter: float = Field(0.2, ge=0, le=1)


class ResolvedResources(Resources, StatusModel):
    """Resources as they stand in a status."""


class ResolvedRequirements(StatusModel):
    """ResourceRequirements as they stand in a status."""

    requests: ResolvedResources | None = None
    limits: ResolvedResources | None = None


class ResolvedToleration(Toleration, StatusModel):
    """A Toleration as it stands in a status."""


class ResolvedRunner(StatusModel):
    """RunnerOptions as they stand in a status."""

    resources: ResolvedRequirements | None = None
    image: Image | None = None
    node_selector: NodeSelector | None = None
    tolerations: Annotated[list[ResolvedToleration], Field(max_length=16)] | None = None


class ResolvedNotify(StatusModel):
    """A Notify with every value decided."""

    url: Annotated[str, Field(max_length=2048)]
    on: Annotated[list[str], Field(max_length=10)] = Field(default_factory=lambda: list[str](OUTCOMES))


class ResolvedPolicy(StatusModel):
    """The policy frozen in status at admission; its defaults are the built-in policy."""

    priority: Count = 5
    max_attempts: Count = 3
    backoff: ResolvedBackoff = ResolvedBackoff()
    timeout: Duration | None = None
    max_stalled: Count = 3
    start_timeout: Duration = "10m"
    ttl: Duration | None = Field(
        None, description="The queue's; the job's own comes first, and may change at any time."
    )
    notify: ResolvedNotify | None = None
    runner: ResolvedRunner | None = None

    @property
    def timeout_delta(self) -> timedelta | None:
        """`timeout` as a timedelta."""
        return None if self.timeout is None else parse_duration(self.timeout)

    @property
    def start_timeout_delta(self) -> timedelta:
        """`startTimeout` as a timedelta."""
        return parse_duration(self.start_timeout)


def resolve_policy(job: PolicyDefaults, queue: PolicyDefaults | None) -> ResolvedPolicy:
    """The job's value, else its queue's, else the built-in one, field by field (backoff and runner: each of their
    fields; notify as a whole). Of `ttl` only the queue's: a job's own that was taken away again must not delete it.
    """
    layers = [layer.wire(set(ResolvedPolicy.model_fields)) for layer in (queue, job) if layer is not None]
    merged: dict[str, object] = {}
    parts: dict[str, dict[str, object]] = {"backoff": {}, "runner": {}}
    for layer in layers:
        for name in parts:
            parts[name] |= layer.pop(name, {})
        merged |= layer
    merged["ttl"] = queue.ttl if queue is not None else None
    return ResolvedPolicy.model_validate(merged | {name: part for name, part in parts.items() if part})
