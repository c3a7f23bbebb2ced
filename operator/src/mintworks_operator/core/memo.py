"""Answers of pure functions about one object, remembered for the objects that were asked about last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")

#: Objects that each function remembers: those that passes go on about just now. Each is some ten kilobytes.
SIZE = 1024


class Memo(Generic[S, T]):
    """By the very object, not by what it is equal to: the objects of the cache are replaced, never changed.

    What a function raises is not remembered.
    """

    def __init__(self, function: Callable[[S], T], size: int = SIZE) -> None:
        self._function = function
        self._size = size
        #: By the object's id. The object too: while it is here, no other one has that id.
        self._known: OrderedDict[int, tuple[S, T]] = OrderedDict()

    def __call__(self, subject: S) -> T:
        """The function's answer."""
        known = self._known.get(id(subject))
        if known is not None:
            self._known.move_to_end(id(subject))
            return known[1]
        answer = self._function(subject)
        self._known[id(subject)] = (subject, answer)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return answer
