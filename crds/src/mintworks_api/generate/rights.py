"""The admission policy: a person names in a job only what this person may `get`. One file a kind, for the chart.

The chart gives each its name and exempts the operator. The API server allows for about 28 such checks a request
(350,000 of 10,000,000 units of cost each) and two an expression, so each reference has an expression of its own.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from ..base import GROUP, VERSION, Model, nested_model
from ..jobschedule import JOB_SCHEDULE
from ..kind import JobKind
from ..policy import JobPolicy
from ..refs import Names
from .schema import is_list, structural

#: References that a policy may hold, with room to spare in the API server's budget: a JobSchedule's has a check more.
MAX_CHECKS = 25
#: Who only pauses a job, or labels it, does not need its author's rights; who turns it to other ends does.
CHANGED = "changed"


@dataclass(frozen=True)
class Reference:
    """A field that names an object: its path as people write it, how CEL reaches it from a job, what it names."""

    path: str
    cel: str
    names: Names

    @property
    def variable(self) -> str:
        """The name of the policy's variable that holds the field's value."""
        return re.sub(r"\W+", "_", self.path).strip("_")


def references(model: type[Model], path: str = "spec", cel: str = ".?spec") -> Iterator[Reference]:
    """Every field of the model, and of models in it, that is marked with Names; of a list each of its possible items.

    Raises:
        ValueError: a map holds references: CEL cannot go through one within the API server's budget.
    """
    properties = structural(model)["properties"]
    for name, field in ((f.alias or n, f) for n, f in model.model_fields.items()):
        schema, places = properties[name], [(f"{path}.{name}", f"{cel}.?{name}")]
        if is_list(field.annotation):
            places = [(f"{p}[{i}]", f"{c}[?{i}]") for p, c in places for i in range(schema["maxItems"])]
        below, marks = nested_model(field.annotation), [*_marks(field.annotation), *_marks(field.metadata)]
        if "additionalProperties" in schema and (marks or below):
            raise ValueError(f"{path}.{name}: references in a map cannot be checked; use a list")
        for place in places:
            yield from (Reference(*place, mark) for mark in marks)
            if below is not None and issubclass(below, Model):
                yield from references(below, *place)


def policy(kind: JobKind) -> dict[str, Any] | None:
    """What of the kind's ValidatingAdmissionPolicy follows from its model; None where it names nothing.

    Raises:
        ValueError: there are more references than the API server can check in one request.
    """
    found = _checkable(kind, references(kind.spec))
    return _policy(kind.plural, _changed(kind), found, []) if found else None


def template_policy(kind: JobKind) -> dict[str, Any]:
    """The same of a JobSchedule whose template is of the kind: the operator will make those jobs in its author's name,
    who must be allowed to make them, too.

    Raises:
        ValueError: as `policy`.
    """
    found = _checkable(kind, references(kind.spec, "spec.template.spec", ".?spec.?template.?spec"))
    template = "object.?spec.?template"
    changed = f"oldObject == null || {template} != oldObject.?spec.?template"
    own = f'{template}.?kind.orValue("") == "{kind.kind}" && ({changed})'
    create = f'authorizer.group("{GROUP}").resource("{kind.plural}").namespace(request.namespace)'
    may_create = {
        "expression": f'!variables.{CHANGED} || {create}.check("create").allowed()',
        "messageExpression": f'"spec.template.kind: you may not create {kind.kind} in namespace " + request.namespace',
        "reason": "Forbidden",
    }
    return _policy(JOB_SCHEDULE.plural, own, found, [may_create])


def _checkable(kind: JobKind, found: Iterator[Reference]) -> list[Reference]:
    named = [*found]
    if len(named) > MAX_CHECKS:
        raise ValueError(f"{kind.kind} names up to {len(named)} objects; {MAX_CHECKS} can be checked in one request")
    return named


def _policy(plural: str, changed: str, found: list[Reference], more: list[dict[str, str]]) -> dict[str, Any]:
    rule = {
        "apiGroups": [GROUP],
        "apiVersions": [VERSION],
        "operations": ["CREATE", "UPDATE"],
        "resources": [plural],
    }
    values = [{"name": r.variable, "expression": f'object{r.cel}.orValue("")'} for r in found]
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "variables": [{"name": CHANGED, "expression": changed}, *values],
        "validations": [*more, *(_validation(r) for r in found)],
    }


def to_yaml(made: dict[str, Any]) -> str:
    """The policy as YAML."""
    head = "# Made by `make generate` from the models in crds/src; do not edit.\n"
    return head + yaml.safe_dump(made, sort_keys=False, width=240, allow_unicode=True)


def _changed(kind: JobKind) -> str:
    """Whether what the job does is new, or other than before. When it runs, and how often, is not of it."""
    own = [f.alias or n for n, f in kind.spec.model_fields.items() if n not in JobPolicy.model_fields or n == "runner"]
    return " || ".join(["oldObject == null", *(f"object.?spec.?{n} != oldObject.?spec.?{n}" for n in own)])


def _validation(reference: Reference) -> dict[str, str]:
    value, names = f"variables.{reference.variable}", reference.names
    named = f'authorizer.group("{names.group}").resource("{names.resource}").namespace(request.namespace).name({value})'
    said = f"{reference.path}: you may not get {names.kind} "
    return {
        "expression": f'{value} == "" || !variables.{CHANGED} || {named}.check("get").allowed()',
        "messageExpression": f'"{said}" + {value} + " in namespace " + request.namespace',
        "reason": "Forbidden",
    }


def _marks(annotation: Any) -> Iterator[Names]:
    if isinstance(annotation, Names):
        yield annotation
    inner = annotation if isinstance(annotation, list) else typing.get_args(annotation)
    for argument in inner:
        yield from _marks(argument)
