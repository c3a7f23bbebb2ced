"""Equal parts of objects are held once: thousands of jobs differ in little more than their names."""

from __future__ import annotations

from typing import Any

#: Parts that are known at a time. Beyond it they are forgotten and learned anew: what holds them goes on doing so.
MOST = 50_000

_Key = tuple[object, ...]
#: Told from others by which object they are: shared ones live as long as the key. The rest by type and value.
_HELD = (str, dict, list)


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
        # Much of the time in which the cache is filled goes by here: plain loops take a third less than comprehensions.
        if isinstance(value, str):
            return self._texts.setdefault(value, value)
        if isinstance(value, dict):
            made: dict[str, Any] = {}
            key: list[object] = [dict]
            for text, own in value.items():
                name = self._texts.setdefault(text, text)
                made[name] = part = self._share(own)
                key += (name, id(part)) if isinstance(part, _HELD) else (name, type(part), part)
            return self._parts.setdefault(tuple(key), made)
        if isinstance(value, list):
            parts: list[Any] = []
            key = [list]
            for own in value:
                parts.append(part := self._share(own))
                key += (id(part),) if isinstance(part, _HELD) else (type(part), part)
            return self._parts.setdefault(tuple(key), parts)
        return value
