"""Whether an SVG is a picture and nothing else: no scripts, nothing from elsewhere, no entities.

Galleries show it in their own pages, where a script in it would act for whoever looks at it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.parsers import expat

_SVG: Final = "http://www.w3.org/2000/svg"
_DEPTH: Final = 256
_FOREIGN: Final = frozenset(
    {"script", "foreignobject", "iframe", "embed", "object", "audio", "video", "handler", "listener", "link", "meta"}
)
_DATA: Final = re.compile(r"\s*data:image/(png|jpeg|gif|webp|avif);base64,", re.IGNORECASE)
_URL: Final = re.compile(r"url\(\s*[\"']?\s*(?!#)", re.IGNORECASE)
_ANIMATED: Final = frozenset({"attributename"})


class UnsafeSvg(Exception):  # noqa: N818 - what is found, in words
    """The SVG is no plain picture; the text says why."""


def check_svg(path: Path) -> None:
    """Reads the file once, in pieces.

    Raises:
        UnsafeSvg: it is no XML, no SVG, or more than a picture.
    """
    checker = _Checker()
    try:
        with path.open("rb") as file:
            checker.parser.ParseFile(file)
    except expat.ExpatError as error:
        raise UnsafeSvg(f"it is no XML: {error}") from error
    except (ValueError, LookupError) as error:
        raise UnsafeSvg(f"its encoding is unknown: {error}") from error


class _Checker:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = _doctype
        self.parser.ProcessingInstructionHandler = _instruction
        self._path: list[str] = []
        self._style = ""

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if not self._path and (space, local) != (_SVG, "svg"):
            raise UnsafeSvg(f"its outermost element is {local[:40]}, not svg of SVG's name space")
        if local.lower() in _FOREIGN:
            raise UnsafeSvg(f"it holds <{local}>")
        self._path.append(local.lower())
        if len(self._path) > _DEPTH:
            raise UnsafeSvg(f"it is nested more than {_DEPTH} deep")
        for key, value in attributes.items():
            _attribute(key.rpartition(" ")[2].lower(), value)

    def _end(self, name: str) -> None:
        if self._path.pop() == "style":
            if "\\" in self._style:
                raise UnsafeSvg("its style holds escapes")
            _style(self._style)
            self._style = ""

    def _text(self, text: str) -> None:
        if self._path and self._path[-1] == "style":
            # A word may come in two pieces.
            self._style += text


def _attribute(name: str, value: str) -> None:
    if name.startswith("on"):
        raise UnsafeSvg(f"it holds a script, in the attribute {name[:40]}")
    if name in ("href", "src", "base") and not (value.strip().startswith("#") or _DATA.match(value)):
        raise UnsafeSvg(f"it refers to {value[:60]!r}: only its own parts and embedded pictures are taken")
    if name in _ANIMATED and (value.strip().lower().rpartition(":")[2] == "href" or value.strip()[:2].lower() == "on"):
        raise UnsafeSvg(f"it animates {value.strip()[:40]}")
    _style(value)


def _style(text: str) -> None:
    if _URL.search(text):
        raise UnsafeSvg("its style refers to something outside")
    lowered = text.lower()
    if "@import" in lowered or "expression(" in lowered or "javascript:" in lowered or ("\\" in text and "(" in text):
        raise UnsafeSvg("its style holds more than style")


def _doctype(name: str, system: str | None, public: str | None, internal: bool) -> None:
    del name, system, public
    if internal:
        raise UnsafeSvg("it declares entities: save it without a DOCTYPE")


def _instruction(target: str, data: str) -> None:
    del data
    raise UnsafeSvg(f"it holds a processing instruction, {target[:40]}")
