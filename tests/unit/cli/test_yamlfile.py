"""YAML as kubectl reads it, but strict, with the line of every value."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mintworks_cli.document import Document
from mintworks_cli.problems import BadInput
from mintworks_cli.yamlfile import parse

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)

BOMB = "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" if before else f"{name}: &{name} [1]\n"
    for before, name in zip(["", *"abcdefg"], "abcdefgh", strict=True)
)


def one(text: str) -> Document:
    (document,) = parse(text, "f.yaml")
    return document


@given(JSON)
def test_what_json_can_say_is_read_as_it_was_written(value: object) -> None:
    documents = parse(yaml.safe_dump(value, allow_unicode=True), "f.yaml")
    assert [document.content for document in documents] == ([] if value is None else [value])


def test_every_value_has_its_line() -> None:
    document = one("# head\na:\n  b:\n    - 1\n    - c: 2\n")
    assert str(document.place(("a",))) == "f.yaml:2"
    assert str(document.place(("a", "b", 1, "c"))) == "f.yaml:5"
    assert str(document.place(("a", "b", 7, "missing"))) == "f.yaml:3"


def test_documents_are_apart_and_empty_ones_are_no_documents() -> None:
    assert [d.content for d in parse("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n", "f")] == [{"a": 1}, {"b": 2}]
    assert parse("", "f") == []


def test_a_date_stays_the_text_that_was_written() -> None:
    assert one("at: 2026-01-02T03:04:05Z\nday: 2026-01-02\n").content == {
        "at": "2026-01-02T03:04:05Z",
        "day": "2026-01-02",
    }


def test_numbers_as_keys_are_what_the_api_server_makes_of_them() -> None:
    assert one("overrides: {3: x}").content == {"overrides": {"3": "x"}}


def test_an_alias_is_written_out() -> None:
    assert one("a: &x {b: 1}\nc: *x\n").content == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "stands twice"),
        ("a:\n  x: 1\n  x: 1\n", 3, "a.x"),
        ("a: 1\n1: 2\n'1': 3\n", 3, "stands twice"),
        ("a: [1\n", 2, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
        ("\n\ta: 1\n", 2, "not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "not allowed"),
        ("a: !!binary aGk=\n", 1, "binary"),
        ("a: .inf\n", 1, "float"),
        ("a: .nan\n", 1, "float"),
        ("? [1]\n: 2\n", 1, "key must be text"),
        ("true: 2\n", 1, "quote it"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "merge keys"),
        ("&a [*a]\n", 1, "too many values or too deep"),
        (BOMB, 1, "too many values or too deep"),
        ("[" * 100 + "]" * 100, 1, "too deep"),
        ("a: " + "[" * 3000 + "]" * 3000, 0, "too deep"),
        ("- " * 3000 + "x", 0, "too deep"),
        ('a: 1\nb: "\\ud83c\\udf2b"\n', 2, "half a surrogate pair"),
        ('a:\n  "\\ud83c": 1\n', 2, "half a surrogate pair"),
        ("a: 1\n0b_: 1\n", 2, "invalid literal"),
        ("a: \x00", 0, "not YAML"),
    ],
)
def test_what_is_refused(text: str, line: int, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text, "f.yaml")
    (problem,) = caught.value.problems
    assert says in str(problem)
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == ("f.yaml", line)


def test_infinity_is_not_json() -> None:
    # The table above relies on it: what YAML calls .inf has no JSON form.
    assert math.isinf(yaml.safe_load(".inf"))
