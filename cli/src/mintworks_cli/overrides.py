"""`--set PATH=VALUE`: a value put over the manifests' own, before anything is validated.

PATH is `spec.FIELD…` for every job whose kind has that field, or NAME.spec.FIELD…, or KIND/NAME.spec.FIELD…; a number
is an index of a list. VALUE is YAML (`2`, `true`, `[a, b]`), except that a field which takes nothing but text takes it
as it is, and that `null` takes any field away.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from mintworks_api import GROUP, JOB_KINDS, JOB_QUEUE
from mintworks_api.base import Model

from .problems import BadInput, Problem
from .resources import Manifest
from .schema import annotation_at, is_text
from .sources import parse

_FORM: Final = "expected PATH=VALUE, such as spec.maxAttempts=5 or genesis-mint.spec.maxCost=2"


@dataclass(frozen=True)
class Override:
    """One --set: the resource it names (None: every job), the path below spec, the text of the value."""

    text: str
    resource: str | None
    path: tuple[str | int, ...]
    value: str


def parse_override(text: str) -> Override:
    """The override in an argument.

    Raises:
        BadInput: it has another form.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        shown = text.encode(errors="backslashreplace").decode()
        raise BadInput([Problem("not UTF-8", field=f"--set {shown}")]) from error
    left, separator, value = text.partition("=")
    resource, found, rest = left.rpartition("spec.") if not left.startswith("spec.") else ("", "spec.", left[5:])
    steps = tuple(int(step) if step.isdigit() else step for step in rest.split("."))
    named = resource.removesuffix(".") or None
    if not separator or not found or "" in steps or (resource and not resource.endswith(".")):
        raise BadInput([Problem(_FORM, field=f"--set {text}")])
    return Override(text, named, steps, value)


def apply_overrides(manifests: Sequence[Manifest], overrides: Sequence[Override]) -> list[Manifest]:
    """The manifests with every override put in.

    Raises:
        BadInput: an override that meets no resource, or a path that leads nowhere.
    """
    found = list(manifests)
    problems = []
    for override in overrides:
        met = [index for index, manifest in enumerate(found) if _meets(override, manifest)]
        if not met:
            names = ", ".join(f"{m.kind}/{m.name}" for m in manifests if _model(m)) or "none"
            problems.append(Problem(f"meets no job that has this field; jobs: {names}", field=f"--set {override.text}"))
        for index in met:
            try:
                found[index] = _apply(override, found[index])
            except BadInput as error:
                problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return found


def _model(manifest: Manifest) -> type[Model] | None:
    if not str(manifest.content["apiVersion"]).startswith(f"{GROUP}/"):
        return None
    if manifest.kind == JOB_QUEUE.kind:
        return JOB_QUEUE.spec
    return JOB_KINDS[manifest.kind].spec if manifest.kind in JOB_KINDS else None


def _meets(override: Override, manifest: Manifest) -> bool:
    model = _model(manifest)
    if model is None:
        return False
    if override.resource is None:
        return manifest.kind in JOB_KINDS and annotation_at(model, override.path) is not None
    return override.resource in (manifest.name, f"{manifest.kind}/{manifest.name}")


def _apply(override: Override, manifest: Manifest) -> Manifest:
    model = _model(manifest)
    annotation = None if model is None else annotation_at(model, override.path)
    value = _value(override, text=is_text(annotation))
    content = copy.deepcopy(dict(manifest.content))
    target: Any = content
    steps: tuple[str | int, ...] = ("spec", *override.path)
    for step in steps[:-1]:
        target = _step(target, step, override)
    _put(target, steps[-1], value, override)
    return replace(manifest, content=content)


def _value(override: Override, *, text: bool) -> Any:
    if override.value.strip() == "null":
        return None
    if text:
        return override.value
    label = f"--set {override.text}"
    documents = parse(override.value, label)
    if not documents:
        raise BadInput([Problem("a value is expected; null takes the field away", field=label)])
    return documents[0].content


def _step(target: Any, step: str | int, override: Override) -> Any:
    if isinstance(target, list) and isinstance(step, int) and step < len(target):
        return target[step]
    if isinstance(target, dict):
        return target.setdefault(str(step), {})
    raise BadInput([Problem(f"{step} leads nowhere", field=f"--set {override.text}")])


def _put(target: Any, step: str | int, value: Any, override: Override) -> None:
    if isinstance(target, list) and isinstance(step, int) and step <= len(target):
        target[step : step + 1] = [value]
    elif isinstance(target, dict):
        target[str(step)] = value
        if value is None:
            # As in `kubectl`: null takes a field away.
            del target[str(step)]
    else:
        raise BadInput([Problem(f"{step} leads nowhere", field=f"--set {override.text}")])
