"""Hypothesis strategies made from a CRD's schema: specs that it allows, and specs that are damaged somewhere.

They know structural schemas and those CEL rules that the API uses, not kinds: a new kind is covered when it has a CRD.
"""

from __future__ import annotations

import copy
import datetime
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

Json = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

ROOT = Path(__file__).parents[2]

#: A rule made of nothing but which fields are there.
_HAS = re.compile(r"has\(self\.(\w+)\)")
_ONE_OF = re.compile(r"^(\[.*\])\.filter\(x, x\)\.size\(\) == 1$")
_SUM = re.compile(r"self\.(\w+)\.map\(c, c\.(\w+)\)\.sum\(\) == (\d+)$")

_WRONG: tuple[Any, ...] = (None, True, 0, -1, 2, 1.0, 1.5, 2**63 - 1, 2**63, -(2**63) - 1, 1e300, "", "1", "true", "x")
_WRONG_MORE: tuple[Any, ...] = ([], {}, [None], {"a": None}, [{}], {"": ""}, "🜛" * 40, "x" * 2000)
_ODD_TEXT = ("\x00", "\x1f", "\x7f", "\u00a0", "\u202e", "\u2028", "\ufeff", "\n", " ", "é", "🜛", "$(X)", "${X}", "..")
_DURATIONS = ("0s", "0ms", "s", "-1s", "1.5h", "1h1h", "1s1m", "999999h", "99999h", "9999d99999h9999999m", "1 h", "1H")
_TIMES = (
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0000-01-01T00:00:00Z",
    "2030-02-30T00:00:00Z",
    "2030-01-01T24:00:00Z",
    "2030-01-01T00:00:60Z",
    "2030-01-01T00:00:00",
    "2030-01-01T00:00:00+25:00",
    "2030-01-01T00:00:00+0100",
    "2030-01-01 00:00:00Z",
    "2030-01-01t00:00:00z",
    "2030-01-01T00:00:00.123456789123Z",
    "2030-01-01T00:00:00,5Z",
    "2030-01-01",
    "1700000000",
)
_QUANTITIES = st.sampled_from((1, 2, "1", "500m", "256Mi", "1Gi", "0.5", "1e3"))
#: Of the times that rules allow, some.
_YEARS = (datetime.datetime(1970, 1, 1), datetime.datetime(8999, 12, 31))
#: Longest list or map that is made.
_SHORT = 3


def crds() -> dict[str, Json]:
    """Every CRD that is shipped, by kind."""
    found = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    return {crd["spec"]["names"]["kind"]: crd for crd in found}


def spec_schema(crd: Json) -> Json:
    """The schema of a CRD's spec."""
    schema: Json = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


@dataclass(frozen=True)
class Damaged:
    """A spec with one place changed to what may or may not be allowed. `path` is the place, `what` was done there."""

    spec: Json
    path: str
    what: str


# --- what is allowed --------------------------------------------------------------------------------------------------


def allowed(schema: Json) -> st.SearchStrategy[Any]:
    """Values that the schema and its rules allow (all but those rules that cannot be read off: few are refused)."""
    _, found = _MADE.get(id(schema), (None, None))
    if found is None:
        found = _made(schema)
        # With the schema, so that its id is nobody else's.
        _MADE[id(schema)] = schema, found
    return found


_MADE: dict[int, tuple[Json, st.SearchStrategy[Any]]] = {}


def _made(schema: Json) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return _QUANTITIES
    return _BY_TYPE[schema["type"]](schema)


def _object(schema: Json) -> st.SearchStrategy[Json]:
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return st.dictionaries(st.text(min_size=1, max_size=_SHORT), st.integers(-9, 9), max_size=_SHORT)
    if "properties" not in schema:
        keys = st.one_of(st.integers(0, 99).map(str), st.text(st.characters(codec="utf-8"), max_size=_SHORT))
        most = min(_SHORT, schema.get("maxProperties", _SHORT))
        return st.dictionaries(keys, allowed(schema["additionalProperties"]), max_size=most)
    properties = schema["properties"]
    values = {name: allowed(inner) for name, inner in properties.items()}
    choices = list(_presences(schema))

    @st.composite
    def made(draw: Draw) -> Json:
        present = draw(st.sampled_from(choices))
        found = {
            name: draw(values[name])
            for name in properties
            if (present[name] if name in present else draw(st.integers(0, 3)) == 0)
        }
        return _summed(schema, found)

    return made()


def _presences(schema: Json) -> Iterator[dict[str, bool]]:
    """Which of the required fields, and of those that rules speak of, are there: every combination that rules allow."""
    rules = [rule["rule"] for rule in schema.get("x-kubernetes-validations", ()) if _of_presence(rule["rule"])]
    required = dict.fromkeys(schema.get("required", ()), True)
    named = sorted({name for rule in rules for name in _HAS.findall(rule)} - required.keys())
    for choice in itertools.product((True, False), repeat=len(named)):
        present = required | dict(zip(named, choice, strict=True))
        if all(_holds(rule, present) for rule in rules):
            yield present


def _of_presence(rule: str) -> bool:
    rest = _HAS.sub("", _ONE_OF.sub(r"\1", rule))
    return "oldSelf" not in rule and not re.search(r"\w", rest)


def _holds(rule: str, present: dict[str, bool]) -> bool:
    python = _HAS.sub(lambda m: str(present[m[1]]), _ONE_OF.sub(r"sum(\1) == 1", rule))
    python = python.replace("&&", " and ").replace("||", " or ")
    python = re.sub(r"!(?!=)", " not ", python)
    return bool(eval(python, {"__builtins__": {"sum": sum}}))  # noqa: S307 (our own rule, of True, False, and, or, not)


def _summed(schema: Json, value: Json) -> Json:
    """With numbers that must make a sum changed so that they do."""
    for rule in schema.get("x-kubernetes-validations", ()):
        found = _SUM.search(rule["rule"])
        entries = value.get(found[1]) if found else None
        if found and entries:
            for entry in entries:
                entry[found[2]] = 0
            entries[0][found[2]] = int(found[3])
    return value


def _string(schema: Json) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
    if schema.get("format") == "date-time":
        moments = st.datetimes(*_YEARS)
        return moments.map(lambda m: m.isoformat(timespec="seconds") + "Z")
    if "pattern" in schema:
        matching: st.SearchStrategy[str] = st.from_regex(re.compile(str(schema["pattern"])), fullmatch=True)
        return matching.filter(lambda text: least <= len(text) <= most)
    free = st.text(st.characters(codec="utf-8"), min_size=least, max_size=min(most, least + 12))
    return st.one_of(free, st.just("x" * most))


def _integer(schema: Json) -> st.SearchStrategy[int]:
    least, most = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1)
    return st.one_of(st.sampled_from((least, most)), st.integers(least, most))


def _number(schema: Json) -> st.SearchStrategy[float]:
    return st.floats(schema.get("minimum", -1e9), schema.get("maximum", 1e9), allow_nan=False, allow_subnormal=False)


def _array(schema: Json) -> st.SearchStrategy[list[Any]]:
    least = schema.get("minItems", 0)
    most = min(schema.get("maxItems", _SHORT), least + _SHORT)
    return st.lists(allowed(schema["items"]), min_size=least, max_size=most, unique_by=repr)


_BY_TYPE: dict[str, Callable[[Json], st.SearchStrategy[Any]]] = {
    "object": _object,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _schema: st.booleans(),
    "array": _array,
}


# --- what is damaged --------------------------------------------------------------------------------------------------


@st.composite
def damaged(draw: Draw, schema: Json, base: st.SearchStrategy[Any] | None = None) -> Damaged:
    """A spec that was allowed (one of `base`, where it is given), with one place changed: mostly to what is not."""
    spec = copy.deepcopy(draw(base if base is not None else allowed(schema)))
    places = list(_places(schema, spec, ()))
    # Most places of a spec are objects, and most of what can be wrong is in values.
    values = [place for place in places if not isinstance(place[2], (dict, list))]
    path, inner, value = draw(st.one_of(st.sampled_from(values or places), st.sampled_from(places)))
    what, ways = draw(st.sampled_from(list(_damages(inner, value))))
    changed = draw(ways())
    if not path:
        return Damaged(changed, "spec", what)
    parent = spec
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = changed
    return Damaged(spec, ".".join(("spec", *map(str, path))), what)


def _places(schema: Json, value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Json, Any]]:
    """Every place of the value, with its schema."""
    yield path, schema, value
    if isinstance(value, dict):
        for name, inner in value.items():
            found = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if found is not None:  # else anything is allowed there
                yield from _places(found, inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _places(schema["items"], inner, (*path, number))


_Ways = tuple[str, Callable[[], st.SearchStrategy[Any]]]


def _damages(schema: Json, value: Any) -> Iterator[_Ways]:
    """What may be done to a value of that schema, and then the values that come of it."""
    yield "another value", lambda: st.sampled_from((*_WRONG, *_WRONG_MORE))
    if isinstance(value, str):
        most = schema.get("maxLength", 1000)
        yield "odd text", lambda: st.sampled_from([t for odd in _ODD_TEXT for t in (odd + value, value + odd)])
        yield "long text", lambda: st.sampled_from([((value or "x") * n)[:n] for n in (most, most + 1, 60_000)])
        yield "an odd time", lambda: st.sampled_from((*_DURATIONS, *_TIMES))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        ends = [schema[end] for end in ("minimum", "maximum") if end in schema]
        yield "a bound", lambda: st.sampled_from([end + d for end in [*ends, 0] for d in (-1, 0, 1)])
    elif isinstance(value, list):
        entry = value[0] if value else None
        yield "too many", lambda: st.just([copy.deepcopy(entry) for _ in range(schema.get("maxItems", 10) + 1)])
    elif isinstance(value, dict):
        yield from _damages_of_object(schema, value)


def _damages_of_object(schema: Json, value: Json) -> Iterator[_Ways]:
    names = ("unknown", "", "a.b", "__proto__", "metadata", "🜛", "max_attempts", "batch_size")
    odd: tuple[Any, ...] = (1, None, {})
    yield "an unknown field", lambda: st.sampled_from([value | {n: v} for n in names for v in odd])
    if value:
        yield (
            "a field less",
            lambda: st.sampled_from([{k: v for k, v in value.items() if k != name} for name in sorted(value)]),
        )
    absent = sorted(set(schema.get("properties", {})) - set(value))
    if absent:
        yield (
            "a field more",
            lambda: st.sampled_from(absent).flatmap(
                lambda name: allowed(schema["properties"][name]).map(lambda v: value | {name: v})
            ),
        )
    if "maxProperties" in schema:
        entry = next(iter(value.values()), "x")
        yield "too many", lambda: st.just({str(n): entry for n in range(schema["maxProperties"] + 1)})


# --- what else of a schema --------------------------------------------------------------------------------------------


def result_schema(crd: Json) -> Json:
    """The schema of what a job's runner tells at its end."""
    schema: Json = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"][
        "result"
    ]
    return schema


def least(schema: Json) -> Any:
    """The smallest value that the schema allows."""
    if schema["type"] == "object":
        return {name: least(schema["properties"][name]) for name in schema.get("required", ())}
    if schema["type"] == "string":
        return "x" * schema.get("minLength", 0)
    return {"integer": 0, "number": 0.0, "boolean": False, "array": []}[schema["type"]]


def changeable(schema: Json) -> list[str]:
    """Fields of a spec that no rule freezes."""
    rules = schema.get("x-kubernetes-validations", ())
    frozen = {rule.get("fieldPath", "") for rule in rules if "oldSelf" in rule["rule"]}
    return [name for name in schema["properties"] if f".{name}" not in frozen]
