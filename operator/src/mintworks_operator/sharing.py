"""Equal parts of objects are held once: thousands of jobs differ in little more than their names."""

from __future__ import annotations

from typing import Any

#: Parts that are known at a time. Beyond it they are forgotten and learned anew: what holds them goes on doing so.
MOST = 50_000

_Key = tuple[object, ...]


class Sharing:
    """Gives the same object for equal parts. What it gave must never be changed.

    JSON brings a new string for each key of each object, and a new dictionary for each part of it.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._texts: dict[str, str] = {}
        self._parts: dict[_Key, Any] = {}

    def shared(self, value: Any) -> Any:
        """The value, made of parts that others have too."""
        if len(self._parts) > self._most or len(self._texts) > self._most:
            self._parts, self._texts = {}, {}
        return self._share(value)

    def _share(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._texts.setdefault(value, value)
        if isinstance(value, dict):
            made = {self._texts.setdefault(name, name): self._share(part) for name, part in value.items()}
            return self._parts.setdefault((dict, *made, *map(_mark, made.values())), made)
        if isinstance(value, list):
            parts = [self._share(part) for part in value]
            return self._parts.setdefault((list, *map(_mark, parts)), parts)
        return value


def _mark(part: Any) -> object:
    """What tells a part from another one. Shared parts are told by which they are: they live as long as the key."""
    return (type(part), part) if isinstance(part, int | float | None) else id(part)
