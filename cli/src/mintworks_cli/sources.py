"""-f FILE, -f DIR, -f -: which files are read, and as what."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from . import jsonfile, yamlfile
from .document import MAX_BYTES, Document
from .problems import BadInput, Place, Problem

_SUFFIXES: Final = (".json", ".yaml", ".yml")


def read(names: Iterable[str]) -> list[Document]:
    """Every document of the named files and folders (a folder's own *.yaml, *.yml and *.json, as `kubectl apply -f`).

    Raises:
        BadInput: what cannot be read or parsed; a folder without manifests.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for name in names:
        try:
            for label, text in _texts(name):
                documents.extend(parse(text, label))
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return documents


def parse(text: str, file: str) -> list[Document]:
    """The documents of a text: JSON where the file's name or the text says so, else YAML.

    Raises:
        BadInput: neither of them, or too large.
    """
    if file.endswith(".json") or (len(text) <= MAX_BYTES and jsonfile.is_json(text)):
        return jsonfile.parse(text, file)
    return yamlfile.parse(text, file)


def _texts(name: str) -> Iterator[tuple[str, str]]:
    if name == "-":
        yield "<stdin>", _text(sys.stdin.buffer, "<stdin>")
        return
    if not name:
        # Path("") is the current folder, which nobody named.
        raise BadInput([Problem("a name is expected, of a file or a folder, or - (stdin)", field="-f")])
    try:
        for file in _files(Path(name)):
            with file.open("rb") as stream:
                yield str(file), _text(stream, str(file))
    except OSError as error:
        raise BadInput([Problem(error.strerror or str(error), Place(str(error.filename or name)))]) from error


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(child for child in path.iterdir() if child.suffix in _SUFFIXES and child.is_file())
    if not files:
        raise BadInput([Problem("no *.yaml, *.yml or *.json in this folder", Place(str(path)))])
    return files


def _text(stream: BinaryIO, label: str) -> str:
    try:
        # Whatever the locale says: manifests are UTF-8, some with a mark at their start.
        return stream.read(MAX_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput([Problem("not UTF-8", Place(label))]) from error
