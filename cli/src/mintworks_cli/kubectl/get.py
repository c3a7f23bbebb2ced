"""`get`: the server's own columns, or the objects themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import yaml

from .errors import error
from .find import Answer, Found, Object
from .kinds import Kind, shown
from .layout import table

Json = dict[str, Any]

WIDE: Final = "wide"
FORMATS: Final = ("json", "name", WIDE, "yaml")


def check_format(output: str | None, formats: Sequence[str] = FORMATS) -> None:
    """Hold -o to what the command prints.

    Raises:
        CommandError: it is something else.
    """
    if output is not None and output not in formats:
        allowed = ",".join(formats)
        raise error(
            f'unable to match a printer suitable for the output format "{output}", allowed formats are: {allowed}'
        )


def as_table(output: str | None) -> bool:
    """Whether this format is made of the server's Tables."""
    return output in {None, WIDE}


def whole(found: Found, output: str) -> str:
    """The objects as JSON, YAML or names. One that was asked for by its name stands alone, others in a List."""
    objects = found.objects
    if output == "name":
        return "".join(f"{o.shown}\n" for o in objects)
    plain = [_plain(o) for o in objects]
    alone = len(found.answers) == 1 and found.answers[0].single and len(found.selection.names) == 1
    if alone:
        return dump(plain[0], output)
    return dump({"apiVersion": "v1", "items": plain, "kind": "List", "metadata": {"resourceVersion": ""}}, output)


def dump(content: Any, output: str) -> str:
    """The content as JSON or YAML, its keys sorted as kubectl sorts them."""
    if output == "json":
        return json.dumps(content, indent=4, sort_keys=True, ensure_ascii=False) + "\n"
    return yaml.safe_dump(content, sort_keys=True, allow_unicode=True, width=10**6)


def columns(found: Found, *, wide: bool, namespaces: bool, headers: bool) -> str:
    """The server's Tables; one for each kind, where there are several."""
    prefixed = found.selection.prefixed
    texts = []
    for kind, answers in _by_kind(found.answers):
        rows = [row for answer in answers for row in answer.body.get("rows") or []]
        if not rows:
            continue
        at = [n for n, c in enumerate(answers[0].body["columnDefinitions"]) if wide or not c.get("priority")]
        names = [str(answers[0].body["columnDefinitions"][n]["name"]).upper() for n in at]
        lines = [_row(row, at, kind if prefixed else None, namespaces) for row in rows]
        head = [[*(["NAMESPACE"] if namespaces else []), *names]] if headers else []
        texts.append(table([*head, *lines]))
    return ("\n" if headers else "").join(texts)


def nothing(namespace: str | None) -> str:
    """What kubectl says where there is nothing to show."""
    return "No resources found" if namespace is None else f"No resources found in {namespace} namespace."


def _row(row: Json, at: Sequence[int], kind: Kind | None, namespaces: bool) -> list[str]:
    meta = row["object"]["metadata"]
    first, *cells = [_cell(row["cells"][n]) for n in at]
    name = first if kind is None else shown(kind, first)
    return [*([str(meta.get("namespace") or "")] if namespaces else []), name, *cells]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(found: Object) -> Json:
    """Without what kubectl leaves out."""
    meta = {name: value for name, value in found.content["metadata"].items() if name != "managedFields"}
    return {**found.content, "metadata": meta}


def _by_kind(answers: Sequence[Answer]) -> Iterator[tuple[Kind, list[Answer]]]:
    """Answers that stand in one Table: neighbours of one kind."""
    group: list[Answer] = []
    for answer in answers:
        if group and group[0].kind is not answer.kind:
            yield group[0].kind, group
            group = []
        group.append(answer)
    if group:
        yield group[0].kind, group
