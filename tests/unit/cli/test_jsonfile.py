"""JSON as any writer of JSON makes it, held to what YAML is held to, with the line of every value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_cli.document import Document
from mintworks_cli.problems import BadInput
from mintworks_cli.sources import parse

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers() | TEXT | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(TEXT, inner | st.none(), max_size=3),
    max_leaves=12,
)
FOG = "\U0001f32b"


def one(text: str, file: str = "f.json") -> Document:
    (document,) = parse(text, file)
    return document


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_what_was_dumped_is_read(value: object, escaped: bool, indent: int | str | None) -> None:
    assert one(json.dumps(value, ensure_ascii=escaped, indent=indent)).content == value


@pytest.mark.parametrize("file", ["f.json", "f.yaml", "<stdin>"])
def test_escaped_text_and_tabs_wherever_json_stands(file: str) -> None:
    text = json.dumps({"name": FOG, "in": [{FOG: 1}]}, indent="\t")
    assert "\\ud83c\\udf2b" in text
    assert one(text, file).content == {"name": FOG, "in": [{FOG: 1}]}


def test_every_value_has_its_line() -> None:
    document = one('\n{"a":\n {"b": [1,\n\n2], "c": "x\\n\\"}"\n},\n"d":\nnull}\n')
    places = {
        path: document.place(path).line for path in [(), ("a",), ("a", "b", 0), ("a", "b", 1), ("a", "c"), ("d",)]
    }
    assert places == {(): 2, ("a",): 2, ("a", "b", 0): 3, ("a", "b", 1): 5, ("a", "c"): 5, ("d",): 7}


def test_a_file_without_content_holds_nothing() -> None:
    assert parse(" \n", "f.json") == []
    assert parse("null\n", "f.json") == []


def test_what_only_looks_like_json_is_yaml() -> None:
    assert one("{a: 1}\n", "f.yaml").content == {"a": 1}


@pytest.mark.parametrize("file", ["f.json", "f.yaml"])
@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{"a": 1,\n"b": 2,\n"a": 3}', 3, "a: the key 'a' stands twice"),
        ('{"a": {"x": 1,\n"\\u0078": 2}}', 2, "a.x: the key 'x' stands twice"),
        ('{"a":\n"\\ud83c"}', 2, "a: \\ud83c is half a surrogate pair"),
        ('["x",\n{"\\udf2b": 1}]', 2, "half a surrogate pair"),
        ('{"a":\n1e999}', 2, "a: float values out of range are not allowed here"),
        ("[" * 100 + "]" * 100, 1, "too deep"),
    ],
)
def test_what_is_refused(text: str, line: int, says: str, file: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text, file)
    (problem,) = caught.value.problems
    assert says in str(problem)
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == (file, line)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("{a: 1}", 1, "not JSON: Expecting property name"),
        ('{"a":\n1,}', 2, "not JSON"),
        ('{"a":\nNaN}', 0, "not JSON: NaN"),
        ('{"a": 1}\n{"b": 2}', 2, "not JSON: Extra data"),
        ("[" * 100_000, 0, "too deep"),
        ("9" * 5000, 0, "not JSON"),
    ],
)
def test_what_is_no_json(text: str, line: int, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text, "f.json")
    (problem,) = caught.value.problems
    assert says in str(problem)
    assert problem.place is not None
    assert problem.place.line == line
