"""Rows: a table of good files, a table of bad ones with every place that must be named, and numbering."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mintworks_runners.core.errors import Finding, Findings, InvalidInput
from mintworks_runners.metadata.rows import Attribute, Row, read_rows
from mintworks_runners.metadata.text import TextFile

WALLET = "HkUpJvBqUjbR4kvHtQ3ngUZBGXxYmXC9fD4sdcSx4fCa"


def rows(tmp_path: Path, content: str | bytes, *, images: bool = False) -> list[Row]:
    path = tmp_path / "rows"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(TextFile(path, "rows"), findings=Findings(), images=images))


def problems(tmp_path: Path, content: str | bytes, *, images: bool = False) -> tuple[Finding, ...]:
    with pytest.raises(InvalidInput) as caught:
        rows(tmp_path, content, images=images)
    return caught.value.findings


def places(findings: tuple[Finding, ...]) -> list[Place]:
    return [(found.reason, found.row, found.column) for found in findings]


GOOD: dict[str, tuple[str | bytes, list[tuple[str, dict[str, object]]]]] = {
    "plain": ("name,Colour\nOne,red\nTwo,\n", [("One", {"Colour": "red"}), ("Two", {})]),
    "byte order mark and CRLF": (
        b"\xef\xbb\xbfname,Colour\r\nOne,red\r\nTwo,blue\r\n",
        [("One", {"Colour": "red"}), ("Two", {"Colour": "blue"})],
    ),
    "no line end at the end": ("name\nOne", [("One", {})]),
    "old Macintosh line ends": ("name,C\rOne,1\rTwo,2", [("One", {"C": "1"}), ("Two", {"C": "2"})]),
    "semicolons, commas inside": ("name;Colour\nOne;a,b\n", [("One", {"Colour": "a,b"})]),
    "tabs": ("name\tColour\nOne\ta;b,c\n", [("One", {"Colour": "a;b,c"})]),
    "quoted delimiters, quotes and line breaks": (
        'name,Note\n"One, two","he said ""hi""\nand left"\nThree,x\n',
        [("One, two", {"Note": 'he said "hi"\nand left'}), ("Three", {"Note": "x"})],
    ),
    "blank lines and rows of empty cells": (
        "\nname,C\n\nOne,1\n,\n  ,\nTwo,2\n",
        [("One", {"C": "1"}), ("Two", {"C": "2"})],
    ),
    "an empty column at the end": ("name,C,\nOne,1,\n", [("One", {"C": "1"})]),
    "a cell too many, but empty": ("name,C\nOne,1,\n", [("One", {"C": "1"})]),
    "attr: and white space": ("name , attr:name,attr: Size \n One , x ,1\n", [("One", {"name": "x", "Size": "1"})]),
    "Unicode": ("name,Façade\n日本🎌,Größe\n", [("日本🎌", {"Façade": "Größe"})]),
    "JSONL": (
        '{"name": "One", "Level": 3, "Rare": true, "Weight": 1.5, "None": null, "Empty": ""}\n\n{"name": "Two"}\n',
        [("One", {"Level": 3, "Rare": True, "Weight": 1.5}), ("Two", {})],
    ),
    "values that look like formulas": ("name,C\n=1+1,@x\n", [("=1+1", {"C": "@x"})]),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_files(tmp_path: Path, case: str) -> None:
    content, expected = GOOD[case]
    found = rows(tmp_path, content)
    assert [(row.name, {one.trait: one.value for one in row.attributes}) for row in found] == expected
    assert [row.index for row in found] == list(range(len(expected)))


def test_known_columns_are_no_attributes(tmp_path: Path) -> None:
    content = f"recipient_wallet,image_filename,description,name,index,C\n{WALLET},a/b.png,words,One,7,1\n"
    (row,) = rows(tmp_path, content, images=True)
    assert row == Row(2, 7, "One", "words", "a/b.png", WALLET, (Attribute("C", "1"),))


def test_rows_count_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    content = 'name,C\n"One","a\nb\nc"\n\n,x\n'
    (found,) = problems(tmp_path, content)
    assert (found.reason, found.row, found.column) == ("MissingValue", 4, "name")
    assert found.message == "empty, but required (line 6 of the file)"


Place = tuple[str, int | None, str | None]

BAD: dict[str, tuple[str | bytes, list[Place]]] = {
    "nothing": ("", [("EmptyInput", None, None)]),
    "blank": ("\n \n", [("EmptyInput", None, None)]),
    "only a header": ("name,C\n", [("EmptyInput", None, None)]),
    "no name column": ("Name,C\nOne,1\nTwo,2\n", [("MissingColumn", 1, "name")]),
    "a column twice": ("name,C,C\nOne,1,2\n", [("DuplicateColumn", 1, "C")]),
    "a trait twice": ("name,C,attr:C\nOne,1,2\n", [("DuplicateColumn", 1, "attr:C")]),
    "a value without a column name": ("name,,C\nOne,x,2\n", [("UnnamedColumn", 2, None)]),
    "too few and too many cells": (
        "name,C\nOne\nTwo,2\nThree,3,4\n",
        [("WrongCellCount", 2, None), ("WrongCellCount", 4, None)],
    ),
    "a name too long in bytes": ("name\n" + "é" * 17 + "\n", [("TooLong", 2, "name")]),
    "wallets": (
        f"name,recipient_wallet\nOne,{WALLET}\nTwo,{WALLET[:-2]}\nThree,0OIl\nFour,0x00\n",
        [("InvalidAddress", row, "recipient_wallet") for row in (3, 4, 5)],
    ),
    "everything of a row together": (
        "name,recipient_wallet,index\n,x,y\n",
        [("InvalidIndex", 2, "index"), ("MissingValue", 2, "name"), ("InvalidAddress", 2, "recipient_wallet")],
    ),
    "an open quote": ('name,C\nOne,1\n"Two,2\nThree,3\n', [("MalformedCsv", 3, None)]),
    "text after a quote": ('name,C\n"One"x,1\n', [("MalformedCsv", 2, None)]),
    "indexes": (
        "name,index\nA,0\nB,1\nC,1\nD,-1\nE,1.5\nF,\nG,99999999999\n",
        [*(("InvalidIndex", row, "index") for row in (5, 6, 7, 8)), ("DuplicateIndex", 4, "index")],
    ),
    "a gap": ("name,index\nA,1\nB,4\nC,2\n", [("IndexGap", None, "index")]),
    "JSONL": (
        '{"name": "One"}\n{"name": 2}\n[1]\n{"name": "a", "name": "b"}\n{"name": "c", "x": {}}\n{"name"}\n'
        '{"name": "d", "n": NaN}\n{"name": "e", "n": 1e999}\n{"name": "\\ud800"}\n{"C": 1}\n',
        [
            ("NotText", 2, "name"),
            ("MalformedJson", 3, None),
            ("DuplicateColumn", 4, "name"),
            ("NestedValue", 5, "x"),
            ("MalformedJson", 6, None),
            ("MalformedJson", 7, None),
            ("InvalidNumber", 8, "n"),
            ("MalformedText", 9, "name"),
            ("MissingValue", 10, "name"),
        ],
    ),
    "a half surrogate in an attribute": ('{"name": "a", "c": "\\udc00"}', [("MalformedText", 1, "c")]),
    "UTF-16": ("name\nOne\n".encode("utf-16"), [("NotUtf8", None, None)]),
    "one line without end": ("name\n" + "x" * (1 << 20), [("LineTooLong", None, None)]),
    "a cell of half a mebibyte": ('name,C\nOne,"' + "x\n" * (1 << 18) + '"\n', [("MalformedCsv", 2, None)]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path: Path, case: str) -> None:
    content, expected = BAD[case]
    found = problems(tmp_path, content)
    assert places(found) == expected
    assert all(one.field == "rows" and one.message for one in found)


def test_images_are_needed_where_documents_are_made(tmp_path: Path) -> None:
    assert places(problems(tmp_path, "name\nOne\n", images=True)) == [("MissingColumn", 1, "image_filename")]
    content = "name,image_filename\nOne,\nTwo,../x.png\nThree,/x.png\nFour,a//x.png\nFive,ok.png\n"
    assert places(problems(tmp_path, content, images=True)) == [
        ("MissingValue", 2, "image_filename"),
        *(("InvalidImageName", row, "image_filename") for row in (3, 4, 5)),
    ]


def test_a_misspelt_column_is_pointed_out(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "name,Image Filename\nOne,1.png\n", images=True)
    assert "Image Filename has to be written image_filename" in found.message


# Around 1 MiB a character is cut by the end of the chunk in which the first wrong byte is looked for.
@pytest.mark.parametrize("before", [b"", b"x", *(b"x" * (1 << 10) + b"y" * n for n in range(3))])
def test_the_first_byte_that_is_not_utf8_is_named(tmp_path: Path, before: bytes) -> None:
    good = b"name\n" + before + b"\n" + ("é" * 4096 + "\n").encode() * 300
    (found,) = problems(tmp_path, good + b"caf\xe9\nnext\n")
    assert found.reason == "NotUtf8"
    assert f"byte 0xe9 at offset {len(good) + 3} (line 303) " in found.message


def test_a_file_that_ends_inside_a_character(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, b"name\nOne\xe2\x82")
    assert found.message == "the file ends inside a character, at offset 8"


def test_a_hundred_problems_in_full_and_the_rest_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("name,C\n" + ",x\n" * 250)
    with pytest.raises(InvalidInput) as caught:
        list(read_rows(TextFile(path, "rows"), findings=Findings(), images=False))
    assert (len(caught.value.findings), caught.value.total) == (100, 250)


def test_a_gap_says_what_is_missing(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "name,index\nA,1\nB,12\n")
    assert found.message == "between 1 and 12 the numbers 2, 3, 4, 5, 6 and 5 more are missing"
    (found,) = problems(tmp_path, "name,index\nA,1\nB,4\nC,2\n")
    assert found.message == "between 1 and 4 the numbers 3 are missing"


def test_rows_stream(tmp_path: Path) -> None:
    """The first row is there before the file has ended: reading stops inside a file that never would."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"name": f"{n}"}) + "\n" for n in range(5)) + "not JSON\n")
    reader = read_rows(TextFile(path, "rows"), findings=Findings(), images=False)
    assert [next(reader).name for _ in range(5)] == list("01234")
    with pytest.raises(InvalidInput):
        next(reader)
