"""Reference pages: every field of a kind, read from its CRD, so that page and cluster cannot differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .schema import CAN_BECOME, Schema


def page(crd: dict[str, Any]) -> str:
    """A Markdown page with a table of the spec's fields and one of the status'."""
    names = crd["spec"]["names"]
    version = crd["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    lines = [
        f"# {names['kind']}",
        "",
        "<!-- Made by `make generate` from the models in crds/src; do not edit. -->",
        "",
        root["description"],
        "",
        f"`{crd['spec']['group']}/{version['name']}`, namespaced; `kubectl get {names['plural']}`, "
        f"short: {', '.join(f'`{s}`' for s in names['shortNames'])}.",
    ]
    for part in ("spec", "status"):
        lines += ["", f"## {part}", "", "| field | type | meaning |", "| --- | --- | --- |"]
        lines += [
            f"| `{path}`{remarks} | {_type(schema)} | {_cell(schema)} |"
            for path, schema, remarks in _fields(root["properties"][part], "")
        ]
    return "\n".join(lines) + "\n"


def _fields(schema: Schema, prefix: str) -> Iterator[tuple[str, Schema, str]]:
    """Path, schema and remark of every field below a schema."""
    changes = [r for r in schema.get("x-kubernetes-validations", []) if "oldSelf" in r["rule"]]
    frozen = {r["fieldPath"] for r in changes if not r["message"].startswith(CAN_BECOME)}
    for name, child in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        remarks = ["required"] if name in schema.get("required", ()) else []
        # What is mutable in part says so at its own fields.
        if frozen and f".{name}" not in frozen and not _freezes(child):
            remarks.append("mutable")
        yield path, child, f" ({', '.join(remarks)})" if remarks else ""
        yield from _fields(child, f"{path}.")
        if child.get("type") == "array":
            yield from _fields(child["items"], f"{path}[].")


def _freezes(schema: Schema) -> bool:
    return any("oldSelf" in r["rule"] for r in schema.get("x-kubernetes-validations", []))


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if "enum" in schema:
        return " \\| ".join(f"`{v}`" for v in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map to {_type(schema['additionalProperties'])}"
    return "time" if schema.get("format") == "date-time" else str(schema["type"])


def _cell(schema: Schema) -> str:
    bounds = []
    if "minimum" in schema or "maximum" in schema:
        bounds.append(f"{schema.get('minimum', '')}–{schema.get('maximum', '')}")
    if "maxItems" in schema:
        bounds.append(f"at most {schema['maxItems']}")
    rules: list[str] = [r["message"] for r in schema.get("x-kubernetes-validations", []) if "oldSelf" not in r["rule"]]
    text: str = schema.get("description", "") + (f" ({'; '.join(bounds)})" if bounds else "")
    return (text + (f" Rules: {'; '.join(rules)}." if rules else "")).replace("|", "\\|").replace("\n", " ")
