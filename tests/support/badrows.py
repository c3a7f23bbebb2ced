"""Tables of rows that people, spreadsheets and programs get wrong, and of those that are only odd."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from support.specs import ADDRESS

HEAD = "name,image_filename,C\n"


def cell(text: str) -> str:
    return f'{HEAD}One,1.png,"{text}"\n'


def line(**values: Any) -> str:
    return json.dumps({"name": "One", "image_filename": "1.png", **values}) + "\n"


def raw(value: str) -> str:
    """A line of JSON whose last value is written as it is."""
    return f'{{"name": "One", "image_filename": "1.png", "C": {value}}}\n'


# What is wrong → the file, the reason, and what the message must say.
BAD: dict[str, tuple[str | bytes, str, str]] = {
    "an empty file": ("", "EmptyInput", "no header"),
    "only a byte order mark": (b"\xef\xbb\xbf", "EmptyInput", "no header"),
    "only blank lines": ("\r\n\r\n  \r\n", "EmptyInput", "no header"),
    "only a header": (HEAD, "EmptyInput", "no rows"),
    "a header and empty rows": (HEAD + ",,\n,,\n", "EmptyInput", "no rows"),
    "only a delimiter's declaration": ("sep=;\n", "EmptyInput", "no header"),
    "no header": ("One,1.png,red\n", "InvalidInput", "no column name"),
    "a NUL byte": (HEAD + "One,1.png,a\0b\n", "MalformedText", "line 2 holds a NUL"),
    "only NUL bytes": (b"\0" * 5000, "MalformedText", "NUL"),
    "a cell of 10 MB": (cell("x" * 10_000_000), "LineTooLong", "line 2"),
    "a cell of 10 MB in lines": (cell("x y z\n" * 1_700_000), "MalformedCsv", "field larger"),
    "a row of 10 MB in short cells": (HEAD + "One,1.png" + ',"a\nb"' * 1_700_000, "LineTooLong", "a quote missing"),
    "a row of a million cells": (HEAD + "," * 1_000_000 + "x\n", "WrongCellCount", "1000001 cells"),
    "a header of a million columns": ("a," * 500_000 + "\n1\n", "TooManyColumns", "500001 columns"),
    "a header of one huge word": ("x" * 900_000 + "\n1\n", "MalformedCsv", "field larger"),
    "a header without end": ('"name,image_filename\nOne,1.png\n' * 3, "MalformedCsv", "is a quote missing"),
    "a header of quotes without end": ('"' + "name\n" * 1_000_000, "LineTooLong", "quote missing"),
    "Windows-1252": (cell("café").encode("cp1252"), "NotUtf8", "in Windows-1252 it would be 'é'"),
    "Latin-1 control bytes": (cell("x").encode() + b"\x81\x8d", "NotUtf8", "byte 0x81"),
    "UTF-16, little endian": (b"\xff\xfe" + cell("x").encode("utf-16-le"), "NotUtf8", "is UTF-16"),
    "UTF-16, big endian": (b"\xfe\xff" + cell("x").encode("utf-16-be"), "NotUtf8", "is UTF-16"),
    "UTF-16 without a mark": (cell("x").encode("utf-16-le"), "MalformedText", "not UTF-8"),
    "UTF-32": (cell("x").encode("utf-32"), "NotUtf8", "is UTF-32"),
    "the end within a character": (cell("x").encode() + b"Two,2.png,\xe2\x82", "NotUtf8", "inside a character"),
    "overlong UTF-8": (b"name\n\xc0\xaf\n", "NotUtf8", "byte 0xc0"),
    "a surrogate as UTF-8": (b"name\n\xed\xa0\x80\n", "NotUtf8", "byte 0xed"),
    "a zip file": (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00" + bytes(range(256)), "NotUtf8", "byte 0x80"),
    "an image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "NotUtf8", "byte 0x89"),
    "a web page": ("<!DOCTYPE html>\n<html></html>\n", "InvalidInput", "no column name"),
    "duplicate columns": ("name,image_filename,C,C\nOne,1.png,1,2\n", "DuplicateColumn", "column C: the header"),
    "name twice": ("name,image_filename,name\nOne,1.png,Two\n", "DuplicateColumn", "column name"),
    "an attribute twice": ("name,image_filename,C,attr:C\nOne,1.png,1,2\n", "DuplicateColumn", "attribute C"),
    "a column without a name": ("name,image_filename,\nOne,1.png,x\n", "UnnamedColumn", "column 3"),
    "an attribute without a name": ("name,image_filename,attr:\nOne,1.png,x\n", "UnnamedColumn", "no usable name"),
    "a type that there is not": ("name,image_filename,attr:A:int\nOne,1.png,1\n", "UnknownColumnType", "'int'"),
    "a known column in capitals": (
        "name,image_filename,Description\nOne,1.png,x\n", "MisspeltColumn", "has to be written description"
    ),
    "an unterminated quote": (HEAD + 'One,1.png,"red\nTwo,2.png,blue\n', "MalformedCsv", "is a quote missing"),
    "text behind a quote": (HEAD + 'One,1.png,"red" blue\n', "MalformedCsv", "line 2"),
    "a ragged row": (HEAD + "One,1.png\n", "WrongCellCount", "2 cells where the header has 3"),
    "an unquoted comma": (HEAD + "One,1.png,red, blue\n", "WrongCellCount", "needs quotes"),
    "no name": (HEAD + ",1.png,x\n", "MissingValue", "row 2, column name"),
    "no image": (HEAD + "One,,x\n", "MissingValue", "column image_filename"),
    "a name of 33 bytes": (HEAD + "x" * 33 + ",1.png,x\n", "TooLong", "33 bytes"),
    "a name of 9 emoji": (HEAD + "🎌" * 9 + ",1.png,x\n", "TooLong", "36 bytes"),
    "an image outside": (HEAD + "One,../../etc/passwd,x\n", "InvalidImageName", "relative path"),
    "an absolute image": (HEAD + "One,/1.png,x\n", "InvalidImageName", "relative path"),
    "a recipient cut short": (
        f"name,image_filename,recipient_wallet\nOne,1.png,{ADDRESS[:-3]}\n", "InvalidAddress", "not a Solana address"
    ),
    "a recipient of another chain": (
        "name,image_filename,recipient_wallet\nOne,1.png,0x" + "ab" * 20 + "\n", "InvalidAddress", "not a Solana"
    ),
    "a column of e-mail addresses": (
        "name,image_filename,Contact\nOne,1.png,a.b@example.org\nTwo,2.png,c@example.org\n",
        "PrivateColumn", "row 2, column Contact",
    ),
    "a column of wallets": (f"name,image_filename,Owner\nOne,1.png,{ADDRESS}\n", "PrivateColumn", "column Owner"),
    "a column of Ethereum wallets": (
        "name,image_filename,Owner\nOne,1.png,0x" + "ab" * 20 + "\n", "PrivateColumn", "attr:Owner"
    ),
    "a decimal comma": ('name,image_filename,attr:A:number\nOne,1.png,"1,5"\n', "InvalidNumber", "write 1.5"),
    "a number of words": ("name,image_filename,attr:A:boost\nOne,1.png,many\n", "InvalidNumber", "not a number"),
    "infinity as a number": ("name,image_filename,attr:A:number\nOne,1.png,1e999\n", "InvalidNumber", "too large"),
    "a number past 2^53": (
        "name,image_filename,attr:A:number\nOne,1.png,9007199254740993\n", "InvalidNumber", "too large"
    ),
    "a date of an American": ("name,image_filename,attr:A:date\nOne,1.png,1/31/2026\n", "InvalidNumber", "2026-01-31"),
    "the 30th of February": ("name,image_filename,attr:A:date\nOne,1.png,2026-02-30\n", "InvalidNumber", "no day"),
    "a script as a URL": ("name,image_filename,external_url\nOne,1.png,javascript:alert(1)\n", "InvalidUrl", "http"),
    "data as an animation": (
        "name,image_filename,animation_url\nOne,1.png,data:text/html;x\n", "InvalidUrl", "http, https, ipfs or ar"
    ),
    "a negative index": ("name,image_filename,index\nOne,1.png,-1\n", "InvalidIndex", "whole number"),
    "an index past every tree": ("name,image_filename,index\nOne,1.png,1073741824\n", "InvalidIndex", "1073741823"),
    "an index twice": ("name,image_filename,index\nA,1.png,3\nB,2.png,3\n", "DuplicateIndex", "index of row 2"),
    "a gap": ("name,image_filename,index\nA,1.png,0\nB,2.png,2\n", "IndexGap", "numbers 1 are missing"),
    "an index in some rows": ("name,image_filename,index\nA,1.png,0\nB,2.png,\n", "InvalidIndex", "either every row"),
    "a JSON array": ("[" + line() + "]", "InvalidInput", "no column"),
    "JSON over several lines": ('{\n"name": "One"\n}\n', "InvalidInput", "not a JSON object"),
    "a line cut off": (line() + '{"name": "Two", "image_fi', "MalformedJson", "row 2"),
    "NaN": (raw("NaN"), "MalformedJson", "NaN is not JSON"),
    "Infinity": (raw("-Infinity"), "MalformedJson", "-Infinity is not JSON"),
    "1e999": (raw("1e999"), "InvalidNumber", "too large"),
    "a number of 10^6 digits": (raw("9" * 1_000_000), "InvalidNumber", "too large"),
    "deep nesting": (raw("[" * 100_000 + "]" * 100_000), "MalformedJson", "nested too deeply"),
    "an object in a cell": (line(C={"a": 1}), "NestedValue", "lists and objects"),
    "a duplicate key": ('{"name": "One", "name": "Two"}\n', "DuplicateColumn", "key twice"),
    "a duplicate key behind 100,000": (
        "{" + "".join(f'"{n}":1,' for n in range(100_000)) + '"99999":1}', "DuplicateColumn", "key twice"
    ),
    "100,000 keys": ("{" + ",".join(f'"{n}":1' for n in range(100_000)) + "}", "TooManyColumns", "100000 keys"),
    "a lone surrogate": (raw('"\\ud83d"'), "MalformedText", "half of a surrogate pair"),
    "a lone surrogate as a key": ('{"\\udc00": 1}\n', "MalformedText", "key"),
    "an escaped NUL": (raw('"a\\u0000b"'), "MalformedText", "NUL"),
    "a name that is a number": ('{"name": 7, "image_filename": "1.png"}\n', "NotText", "7 is not text"),
    "an empty key": (line(**{" ": 1}), "UnnamedColumn", "a key is empty"),
}  # fmt: skip

# What is odd but right → the file, and what of the first document must be so.
CARRIED: dict[str, tuple[str | bytes, Callable[[dict[str, Any]], bool]]] = {
    "a variable of Kubernetes": (cell("$(PATH) $$ ${HOME} `id`"), lambda one: value(one) == "$(PATH) $$ ${HOME} `id`"),
    "templates and markup": (
        cell("{{7*7}} <script>alert(1)</script> %s {0}"),
        lambda one: value(one) == "{{7*7}} <script>alert(1)</script> %s {0}",
    ),
    "a formula": (cell("=HYPERLINK(A1)"), lambda one: value(one) == "=HYPERLINK(A1)"),
    "control characters": (cell("a\x01\x1b[31mb\x7f"), lambda one: value(one) == "a\x01\x1b[31mb\x7f"),
    "separators of lines that are none": (cell("a\u2028b\x85c\x0bd"), lambda one: value(one) == "a\u2028b\x85c\x0bd"),
    "a byte order mark within": (cell("a\ufeffb"), lambda one: value(one) == "a\ufeffb"),
    "text from right to left": (cell("\u202eabc"), lambda one: value(one) == "\u202eabc"),
    "a line break in a cell": (cell("a\r\nb"), lambda one: value(one) == "a\r\nb"),
    "characters beyond 16 bits": (cell("𝔘🎌"), lambda one: value(one) == "𝔘🎌"),
    "an escaped pair of surrogates": (raw('"\\ud83c\\udf8c"'), lambda one: value(one) == "🎌"),
    "a declared delimiter": (
        "sep=|\nname|image_filename|C\nOne|1.png|a,b;c\n", lambda one: value(one) == "a,b;c"
    ),
    "semicolons, a mark, CRLF": (
        "\ufeffname;image_filename;C\r\nOne;1.png;1,5\r\n", lambda one: value(one) == "1,5"
    ),
    "a quoted header with a line break": (
        'name,image_filename,"C\n(long)"\nOne,1.png,x\n',
        lambda one: one["attributes"] == [{"trait_type": "C\n(long)", "value": "x"}],
    ),
    "a cell of 100 kB": (cell("x" * 100_000), lambda one: value(one) == "x" * 100_000),
    "an address that is meant": (
        f"name,image_filename,attr:Artist\nOne,1.png,{ADDRESS}\n", lambda one: value(one) == ADDRESS
    ),
    "keys of Python": (
        line(__class__="x", __proto__="y"),
        lambda one: [a["trait_type"] for a in one["attributes"]] == ["__class__", "__proto__"],
    ),
    "an image's name that needs encoding": (
        'name,image_filename\nOne,"a b?#%.png"\n', lambda one: one["image"].endswith("/a%20b%3F%23%25.png")
    ),
    "types": (
        "name,image_filename,attr:L:number,attr:B:date,attr:P:boost,attr:Q:boost_percentage,attr:a:b:text\n"
        "One,1.png,007,2026-01-31,-1.50,5e1,x\n",
        lambda one: one["attributes"] == [
            {"display_type": "number", "trait_type": "L", "value": 7},
            {"display_type": "date", "trait_type": "B", "value": 1769817600},
            {"display_type": "boost_number", "trait_type": "P", "value": -1.5},
            {"display_type": "boost_percentage", "trait_type": "Q", "value": 50.0},
            {"trait_type": "a:b", "value": "x"},
        ],
    ),
}  # fmt: skip


def value(document: dict[str, Any]) -> object:
    return document["attributes"][0]["value"]
