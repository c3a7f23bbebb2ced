"""YAML as `kubectl` reads it, but strict: no key twice, no alias that grows without bound, and a line for every value.

Only what JSON can say comes out: a date stays the text that was written.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .document import MAX_DEPTH, MAX_NODES, TOO_MUCH, Document, Path, check_size, check_text, refused
from .problems import BadInput, Place, Problem

_MAPPING: Final = yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG
_SEQUENCE: Final = yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG


class _Loader(yaml.SafeLoader):
    """SafeLoader without dates."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str, file: str) -> list[Document]:
    """The documents of a file, empty ones left out.

    Raises:
        BadInput: not YAML, a key twice, too large, or something that JSON cannot say; with file and line.
    """
    check_size(text, file)
    try:
        return _documents(_Loader(text), file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1 if mark else 0)
        raise BadInput([Problem(f"not YAML: {error.problem or error.context}", place)]) from error
    except yaml.YAMLError as error:
        raise BadInput([Problem(f"not YAML: {error}", Place(file))]) from error
    except RecursionError as error:
        # The parser goes under before any value is counted.
        raise BadInput([Problem(TOO_MUCH, Place(file))]) from error


def _documents(loader: _Loader, file: str) -> list[Document]:
    documents = []
    while loader.check_node():
        node = loader.get_node()
        if node is None or (isinstance(node, ScalarNode) and node.tag.endswith(":null")):
            continue
        reader = _Reader(loader, file)
        content = reader.value(node, ())
        documents.append(Document(content, file, reader.lines))
    return documents


class _Reader:
    """Turns nodes into values and notes where each stands."""

    def __init__(self, loader: _Loader, file: str) -> None:
        self.lines: dict[Path, int] = {}
        self._loader = loader
        self._file = file
        self._nodes = 0

    def value(self, node: Node, path: Path) -> Any:
        """The node's value; an alias is read again wherever it stands, and counted each time."""
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise self._problem(TOO_MUCH, node, path)
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, MappingNode) and node.tag == _MAPPING:
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == _SEQUENCE:
            return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        raise self._problem(f"the tag {node.tag} is not allowed here", node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise self._problem("merge keys (<<) are not supported", key_node, path)
            key = self._key(key_node, path)
            if key in found:
                raise self._problem(f"the key {key!r} stands twice", key_node, (*path, key))
            found[key] = self.value(value_node, (*path, key))
            # An editor is sent to the key: the value of a block starts only below it.
            self.lines[(*path, key)] = key_node.start_mark.line + 1
        return found

    def _key(self, node: Node, path: Path) -> str:
        if not isinstance(node, ScalarNode):
            raise self._problem("a key must be text", node, path)
        value: Hashable = self._constructed(node, path)
        # `overrides: {3: …}` is what people write, and what the API server reads as "3".
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return str(value)
        raise self._problem(f"a key must be text, {node.value} is not: quote it", node, path)

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        value = self._constructed(node, path)
        if value is None or isinstance(value, str | bool | int):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        raise self._problem(f"{node.tag.rpartition(':')[2]} values are not allowed here", node, path)

    def _constructed(self, node: ScalarNode, path: Path) -> Any:
        try:
            value = self._loader.construct_object(node)
            if isinstance(value, str):
                check_text(value)
        except ValueError as error:
            raise self._problem(str(error), node, path) from error
        return value

    def _problem(self, message: str, node: Node, path: Path) -> BadInput:
        return refused(message, self._file, node.start_mark.line + 1, path)
