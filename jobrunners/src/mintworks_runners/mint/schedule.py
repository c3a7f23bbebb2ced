"""What is due, and when: an agenda of signatures. Pure; what a moment is (a time, a slot, a height) is the caller's."""

from __future__ import annotations

from heapq import heappop, heappush


class Agenda:
    """Signatures by the moment at which something is due. Of several moments told of one signature the last counts."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}

    def set(self, signature: str, due: float) -> None:
        """Something is due for it at `due`, and no longer at any other moment."""
        self._due[signature] = due
        heappush(self._heap, (due, signature))

    def drop(self, signature: str) -> None:
        """Nothing is due for it any more."""
        self._due.pop(signature, None)

    def take(self, until: float, room: int | None = None) -> list[str]:
        """Takes out what is due at `until`, the longest due first, at most `room`."""
        taken: list[str] = []
        while self._heap and self._heap[0][0] <= until and (room is None or len(taken) < room):
            due, signature = heappop(self._heap)
            if self._due.get(signature) == due:
                del self._due[signature]
                taken.append(signature)
        return taken
