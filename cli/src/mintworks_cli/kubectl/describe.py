"""`describe`: an object and its Events in kubectl's layout, whatever its kind. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from . import events
from .layout import DESCRIPTION, elastic, human, one_line, safe

Json = Mapping[str, Any]
Rows = Iterator[list[str]]

#: Parts of a status that have a place of their own, or say nothing to people.
_SHOWN: Final = frozenset(
    {"phase", "conditions", "progress", "attempts", "errors", "result", "inputs", "startTime", "completionTime"}
    | {"nextAttemptTime", "summary", "observedGeneration"}
)
_WORDS: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_CAPITALS: Final = frozenset({"api", "cid", "id", "ip", "nft", "rpc", "ttl", "uid", "uri", "url"})


def describe(content: Json, told: list[dict[str, Any]], now: datetime) -> str:
    """The object as text; `told` are the Events about it."""
    lines = [*_head(content), *_job(content, now), *_conditions(content, now), *_runs(content), *_errors(content)]
    status = content.get("status") or {}
    for title, part in (("Inputs", status.get("inputs")), ("Result", status.get("result"))):
        lines += _tree(title, part) if part else []
    lines += _tree("Spec", content.get("spec") or {})
    lines += _tree(
        "Status", {n: v for n, v in status.items() if n not in _SHOWN and not (n == "active" and _is_job(status))}
    )
    lines += events.rows(told, now)
    return safe(elastic([[cell.replace("\t", " ") for cell in line] for line in lines], *DESCRIPTION))


def _head(content: Json) -> Rows:
    meta = content["metadata"]
    yield ["Name:", str(meta["name"])]
    yield ["Namespace:", str(meta.get("namespace"))]
    yield from _pairs("Labels:", meta.get("labels"), "=")
    yield from _pairs("Annotations:", meta.get("annotations"), ": ")
    yield ["API Version:", str(content["apiVersion"])]
    yield ["Kind:", str(content["kind"])]
    yield ["Created:", _time(meta["creationTimestamp"])]


def _job(content: Json, now: datetime) -> Rows:
    status = content.get("status") or {}
    if "phase" in status:
        yield ["Phase:", str(status["phase"])]
    started, ended = status.get("startTime"), status.get("completionTime")
    if started:
        yield ["Start Time:", _time(started)]
        if ended:
            yield ["Completed At:", _time(ended)]
        span = (_moment(ended) if ended else now) - _moment(started)
        yield ["Duration:", human(span)]
    if status.get("nextAttemptTime"):
        yield ["Next Attempt:", _time(status["nextAttemptTime"])]
    if progress := status.get("progress"):
        yield ["Progress:", _progress(progress)]
    if attempts := status.get("attempts"):
        stalls = attempts.get("stalls") or 0
        yield ["Attempts:", f"{attempts.get('summary') or attempts.get('made')} ({stalls} stalled)"]
    if status.get("summary"):
        yield ["Running:", str(status["summary"])]


def _is_job(status: Json) -> bool:
    return "phase" in status


def _progress(progress: Json) -> str:
    doing = ": ".join(str(progress[name]) for name in ("step", "message") if progress.get(name))
    done = f"{progress.get('percent', 0)}%"
    items = progress.get("items") or {}
    counts = [f"{items[name]} {name}" for name in ("failed", "already") if items.get(name)]
    summary = progress.get("summary")
    head = f"{summary} ({done})" if summary and summary != done else done
    return "  ".join(part for part in (head, ", ".join(counts), doing) if part)


def _conditions(content: Json, now: datetime) -> Rows:
    conditions = (content.get("status") or {}).get("conditions") or []
    if not conditions:
        yield ["Conditions:", "<none>"]
        return
    yield ["Conditions:"]
    yield ["  Type", "Status", "Age", "Reason", "Message"]
    yield ["  ----", "------", "---", "------", "-------"]
    for each in conditions:
        age = human(now - _moment(each["lastTransitionTime"]))
        yield [f"  {each['type']}", str(each["status"]), age, str(each["reason"]), one_line(each.get("message") or "")]


def _runs(content: Json) -> Rows:
    last = ((content.get("status") or {}).get("attempts") or {}).get("last") or []
    if not last:
        return
    yield ["Runs:"]
    yield ["  Run", "Outcome", "Started", "Took", "Reason", "Message"]
    yield ["  ---", "-------", "-------", "----", "------", "-------"]
    for run in last:
        started, ended = run.get("started"), run.get("finished")
        took = human(_moment(ended) - _moment(started)) if started and ended else "<unknown>"
        yield [
            f"  {run['run']}",
            str(run["outcome"]),
            _time(started) if started else "<never>",
            took,
            str(run["reason"]),
            one_line(run.get("message") or ""),
        ]


def _errors(content: Json) -> Rows:
    errors = (content.get("status") or {}).get("errors") or []
    if not errors:
        return
    yield ["Errors:"]
    yield ["  Reason", "Where", "Message"]
    yield ["  ------", "-----", "-------"]
    for each in errors:
        places = [
            str(each[name]) if name == "field" else f"{name} {each[name]}"
            for name in ("field", "item", "row", "column")
            if each.get(name) is not None
        ]
        yield [f"  {each['reason']}", ", ".join(places) or "-", one_line(each["message"])]


def _pairs(title: str, pairs: Mapping[str, str] | None, sign: str) -> Rows:
    shown = [f"{name}{sign}{value}" for name, value in sorted((pairs or {}).items())] or ["<none>"]
    for number, text in enumerate(shown):
        yield [title if not number else "", one_line(text)]


def _tree(title: str, value: Any, depth: int = 0) -> Rows:
    """A value below its title, as kubectl describes what it does not know."""
    indent = "  " * depth
    if isinstance(value, Mapping):
        if value:
            yield [f"{indent}{title}:"]
            for name, below in sorted(value.items()):
                yield from _tree(label(name), below, depth + 1)
        return
    if isinstance(value, list):
        yield from _list(title, value, depth)
        return
    lines = str(_plain(value)).splitlines() or [""]
    yield [f"{indent}{title}:", lines[0]]
    yield from (["", line] for line in lines[1:])


def _list(title: str, values: Iterable[Any], depth: int) -> Rows:
    indent = "  " * depth
    yield [f"{indent}{title}:"]
    for value in values:
        if isinstance(value, Mapping):
            for name, below in sorted(value.items()):
                yield from _tree(label(name), below, depth + 1)
        else:
            yield [f"{indent}  {_plain(value)}"]


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def label(name: str) -> str:
    """`rpcUrls` → `RPC Urls`: a field's name for people."""
    words = _WORDS.findall(name) or [name]
    return " ".join(word.upper() if word.lower() in _CAPITALS else word.capitalize() for word in words)


def _time(text: str) -> str:
    return _moment(text).astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S %z")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
