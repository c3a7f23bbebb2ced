"""What is wrong with the input, each problem with the place where a person can mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_URL: Final = re.compile(r"://[^\s'\"]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A line (from 1) of a file; line 0 is the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """`file:line`, as editors and terminals open it."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `resource` is KIND/NAME, `field` a path in the manifest such as `spec.tree.create.capacity`."""

    message: str
    place: Place | None = None
    resource: str | None = None
    field: str | None = None

    def __str__(self) -> str:
        """`file:line: KIND/NAME: field: message`, without the parts that are not known."""
        parts = [str(part) for part in (self.place, self.resource, self.field) if part]
        return ": ".join([*parts, self.message])

    def wire(self) -> dict[str, Any]:
        """The problem as --output json shows it."""
        found = {
            "message": self.message,
            "file": self.place.file if self.place else None,
            "line": (self.place.line or None) if self.place else None,
            "resource": self.resource,
            "field": self.field,
        }
        return {name: value for name, value in found.items() if value is not None}


class BadInput(Exception):  # noqa: N818 - it says what the person gave, not what the program did
    """The input is bad (exit code 64): everything that was found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def redact(text: str) -> str:
    """The text without user info and query of any URL in it: what a person pasted there must not end in a log."""
    return _URL.sub(lambda url: re.sub(r"(?<=://)[^/@]+@|(?<=\?).*", "***", url.group()), text)
