"""Which items are minted and which are not, in a few words: the counts, and the first numbers as ranges. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MOST_CHARACTERS = 120
"""Of the list of numbers: it travels in a termination message of 1 KiB."""


def tally(total: int, missing: Iterable[int], limit: int = MOST_CHARACTERS) -> str:
    """Such as `7 of 10 items are minted; not minted: 3, 5-6`. `missing` ascend."""
    shown: list[str] = []
    room, open_items, hidden = limit, 0, 0
    for first, last in ranges(missing):
        text = str(first) if first == last else f"{first}-{last}"
        room -= len(text) + 2
        open_items += last - first + 1
        if room >= 0:
            shown.append(text)
        else:
            hidden += last - first + 1
    head = f"{total - open_items} of {total} items are minted"
    if not open_items:
        return head
    more = [f"and {hidden} more"] if hidden else []
    return f"{head}; not minted: {', '.join([*shown, *more])}"


def ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run without a gap; the numbers ascend."""
    run: tuple[int, int] | None = None
    for number in numbers:
        if run is not None and number == run[1] + 1:
            run = run[0], number
            continue
        if run is not None:
            yield run
        run = number, number
    if run is not None:
        yield run
