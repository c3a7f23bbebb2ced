"""Pydantic models as structural OpenAPI v3 schemas with CEL rules, the form that Kubernetes demands."""

from __future__ import annotations

import types
import typing
from typing import Any

from pydantic.fields import FieldInfo

from ..base import MUTABLE, Model, Rule, StatusModel, nested_model, only_to

Schema = dict[str, Any]
#: JSON Schema keywords that stay as they are.
_KEPT = frozenset(
    {
        *("type", "format", "pattern", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
        *("x-kubernetes-validations", "x-kubernetes-preserve-unknown-fields"),
    }
)


#: How the message of a rule begins that lets a field change in one direction.
CAN_BECOME = "can only be changed to"


def structural(model: type[Model] | type[StatusModel], *, frozen: bool = False) -> Schema:
    """The structural schema of a model.

    Args:
        model: the model; nested models become nested objects.
        frozen: add rules by which fields that are not marked mutable cannot change after creation.
    """
    json_schema = model.model_json_schema()
    properties = {
        name: _field(field, json_schema["properties"][name], json_schema.get("$defs", {}), frozen=frozen)
        for name, field in ((f.alias or n, f) for n, f in model.model_fields.items())
    }
    required = [f.alias or n for n, f in model.model_fields.items() if f.is_required()]
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    rules = [_rule(r) for r in getattr(model, "rules", ())]
    if frozen:
        rules += [_frozen_rule(f.alias or n, f) for n, f in model.model_fields.items() if not _is_mutable(f)]
        bound = ((f.alias or n, only_to(f), bool(f.default)) for n, f in model.model_fields.items())
        rules += [_only_to_rule(n, value, default=d) for n, value, d in bound if value is not None]
    if rules:
        schema["x-kubernetes-validations"] = rules
    return schema


def _field(field: FieldInfo, json_schema: Schema, definitions: Schema, *, frozen: bool) -> Schema:
    model = nested_model(field.annotation)
    json_schema = _without_null(json_schema)
    if model is None:
        schema = _plain(json_schema, definitions)
    elif is_list(field.annotation):
        schema = {"type": "array", "items": structural(model)}
        schema |= {k: json_schema[k] for k in ("minItems", "maxItems") if k in json_schema}
    else:
        schema = structural(model, frozen=frozen and _is_mutable(field) and _has_mutable(model))
    return {"description": field.description or "", **schema}


def _without_null(schema: Schema) -> Schema:
    """A field's JSON schema, the null of an optional one taken out."""
    variants = [v for v in schema.get("anyOf", []) if v != {"type": "null"}]
    if len(variants) != 1:
        return schema
    return {**{k: v for k, v in schema.items() if k != "anyOf"}, **variants[0]}


def _plain(schema: Schema, definitions: Schema) -> Schema:
    """A JSON schema of plain values, lists and maps in structural form."""
    if "anyOf" in schema:  # Quantity is the only union of the API
        return {k: schema[k] for k in ("x-kubernetes-int-or-string", "pattern", "minimum")}
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    kept = {k: v for k, v in schema.items() if k in _KEPT}
    if schema.get("type") == "array":
        kept["items"] = _plain(schema["items"], definitions)
    if schema.get("type") == "object" and "additionalProperties" in schema:
        kept["additionalProperties"] = _plain(schema["additionalProperties"], definitions)
        if "maxProperties" in schema:
            kept["maxProperties"] = schema["maxProperties"]
    if schema.get("type") == "integer":
        kept["format"] = "int64"
    return kept


def is_list(annotation: Any) -> bool:
    """Whether the annotation is, or may be, a list."""
    if typing.get_origin(annotation) is list:
        return True
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        return any(is_list(a) for a in typing.get_args(annotation))
    return False


def _is_mutable(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get(MUTABLE))


def _has_mutable(model: type[Model] | type[StatusModel]) -> bool:
    return any(_is_mutable(f) for f in model.model_fields.values())


def _rule(rule: Rule) -> Schema:
    rendered: Schema = {"rule": rule.cel, "message": rule.message}
    # The API server accepts a fieldPath only to a field that the schema has, which `Rule.field` is.
    return rendered | ({"fieldPath": f".{rule.field}"} if rule.field else {})


def _frozen_rule(name: str, field: FieldInfo) -> Schema:
    same = f"self.{name} == oldSelf.{name}"
    if not field.is_required():
        same = f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {same})"
    return {
        "rule": same,
        "message": "cannot be changed after creation: delete the job and apply it anew (nothing is done twice)",
        "fieldPath": f".{name}",
    }


def _only_to_rule(name: str, value: bool, *, default: bool) -> Schema:
    """A field that is left out means its default."""
    is_set = f"!has(self.{name}) || self.{name}" if default else f"has(self.{name}) && self.{name}"
    was_set = is_set.replace("self", "oldSelf")
    return {
        "rule": f"!({was_set}) || ({is_set})" if value else f"!({is_set}) || ({was_set})",
        "message": f"{CAN_BECOME} {str(value).lower()}, and not back: delete the job and apply it anew",
        "fieldPath": f".{name}",
    }
