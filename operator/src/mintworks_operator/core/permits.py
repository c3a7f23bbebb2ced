"""What a job may ask of its runner's pod: the chart's lists, whatever job or queue says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mintworks_api import ResolvedRunner, Toleration, parse_quantity
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from . import texts


class Allowed(BaseModel):
    """The chart's value `runner.allowed`: nothing but what it lists, and no more than `cpu` and `memory` (empty: any).

    `node_selector` is label → values.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    images: tuple[str, ...] = ()
    node_selector: Mapping[str, tuple[str, ...]] = {}
    tolerations: tuple[Toleration, ...] = ()
    cpu: str | int = ""
    memory: str | int = ""


def refusals(runner: ResolvedRunner | None, allowed: Allowed) -> list[tuple[str, str]]:
    """Each field of `runner` that asks for what is not allowed, as (path below runner, what is wrong)."""
    if runner is None:
        return []
    found: list[tuple[str, str]] = []
    if runner.image is not None and runner.image not in allowed.images:
        found.append(("image", texts.not_listed(runner.image, allowed.images, "images")))
    for label, value in (runner.node_selector or {}).items():
        if value not in allowed.node_selector.get(label, ()):
            listed = [f"{name}={v}" for name, values in allowed.node_selector.items() for v in values]
            found.append(("nodeSelector", texts.not_listed(f"{label}={value}", listed, "nodeSelector")))
    for number, toleration in enumerate(runner.tolerations or ()):
        if _taint(toleration) not in {_taint(t) for t in allowed.tolerations}:
            listed = [_shown(t) for t in allowed.tolerations]
            found.append((f"tolerations[{number}]", texts.not_listed(_shown(toleration), listed, "tolerations")))
    return [*found, *_too_much(runner, allowed)]


def _too_much(runner: ResolvedRunner, allowed: Allowed) -> Iterator[tuple[str, str]]:
    resources = runner.resources
    for part, asked in (("requests", resources and resources.requests), ("limits", resources and resources.limits)):
        for name, most in (("cpu", allowed.cpu), ("memory", allowed.memory)):
            value = getattr(asked, name, None)
            if value is None or most == "":
                continue
            if parse_quantity(value) > parse_quantity(most):
                yield f"resources.{part}.{name}", texts.too_much(value, most, name)


def _taint(toleration: Toleration) -> tuple[str, str, str, str]:
    """What two tolerations must have in common to be one."""
    t = toleration
    return t.key or "", t.operator or "Equal", t.value or "", t.effect or ""


def _shown(toleration: Toleration) -> str:
    """A toleration as kubectl writes taints."""
    key, operator, value, effect = _taint(toleration)
    return f"{key or '*'}{f'={value}' if operator == 'Equal' else ''}:{effect or '*'}"
