"""Which jobs build on which, as the last pass over each of them found."""

from __future__ import annotations

from collections.abc import Iterable

from .keys import JobKey


class Followers:
    """What becomes of a job shows in those that build on it."""

    def __init__(self) -> None:
        self._leaders: dict[JobKey, frozenset[JobKey]] = {}
        self._followers: dict[JobKey, set[JobKey]] = {}

    def follow(self, key: JobKey, leaders: Iterable[JobKey]) -> None:
        """A job builds on these, which need not exist, and on no others."""
        before, now = self._leaders.get(key, frozenset()), frozenset(leaders)
        for leader in now - before:
            self._followers.setdefault(leader, set()).add(key)
        for leader in before - now:
            self._followers[leader].discard(key)
            if not self._followers[leader]:
                del self._followers[leader]
        if now:
            self._leaders[key] = now
        else:
            self._leaders.pop(key, None)

    def of(self, key: JobKey) -> Iterable[JobKey]:
        """The jobs that have to look again when that one stands otherwise."""
        return self._followers.get(key, ())
