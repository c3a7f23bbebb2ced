"""Whatever a person can put into a spreadsheet comes back as it was, and no bytes at all crash the reader."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mintworks_runners.core.errors import Findings, InvalidInput
from mintworks_runners.metadata.columns import KNOWN
from mintworks_runners.metadata.rows import read_rows
from mintworks_runners.metadata.text import TextFile

cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30).map(str.strip)
names = cells.filter(lambda text: text and len(text.encode()) <= 32)
columns = st.from_regex(r"[A-Z][a-z]{0,6}", fullmatch=True).filter(lambda name: name.lower() not in KNOWN)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    header = ["name", *draw(st.lists(columns, unique=True, max_size=4))]
    body = draw(st.lists(st.tuples(names, *(cells for _ in header[1:])), min_size=1, max_size=8))
    return header, [list(row) for row in body]


def read(data: bytes) -> list[tuple[str, dict[str, object]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_bytes(data)
        found = list(read_rows(TextFile(path, "rows"), findings=Findings(), images=False))
    return [(row.name, {one.trait: one.value for one in row.attributes}) for row in found]


@dataclass(frozen=True)
class Style:
    delimiter: str
    end: str
    mark: bytes
    quoting: Literal[0, 1]


styles = st.builds(
    Style,
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)


@given(tables(), styles)
def test_a_table_comes_back(table: tuple[list[str], list[list[str]]], style: Style) -> None:
    header, body = table
    # A single column has no delimiter to find, and then any of the three may stand in its text unquoted.
    assume(len(header) > 1 or style.delimiter == ",")
    # Python's own writer leaves a bare carriage return unquoted, which no reader can tell from a row's end.
    bare = any("\r" in cell for row in body for cell in row)
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=style.delimiter, lineterminator=style.end, quoting=csv.QUOTE_ALL if bare else style.quoting
    )
    writer.writerow(header)
    writer.writerows(body)
    expected = [(row[0], {name: cell for name, cell in zip(header[1:], row[1:], strict=True) if cell}) for row in body]
    assert read(style.mark + text.getvalue().encode()) == expected


def names_or_error(data: bytes) -> list[str] | InvalidInput:
    try:
        return [name for name, _ in read(data)]
    except InvalidInput as error:
        return error


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda tail: b"name,C\nOne,1\n" + tail)))
def test_any_bytes_are_rows_or_a_finding(data: bytes) -> None:
    found = names_or_error(data)
    assert isinstance(found, InvalidInput) or all(0 < len(name.encode()) <= 32 for name in found)


@given(st.text(alphabet='{}[]",:\\ntrue01e.\n ', max_size=60).map(lambda text: "{" + text))
def test_any_json_lines_are_rows_or_a_finding(text: str) -> None:
    assert names_or_error(text.encode())
