"""Columns as kubectl lays them out, durations as it writes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

#: kubectl's tables, and its descriptions: least width of a column, and blanks after it.
TABLE = (6, 3)
DESCRIPTION = (0, 2)


def elastic(lines: Sequence[Sequence[str]], least: int, padding: int) -> str:
    """Lines of cells with elastic tab stops: a column is as wide as its widest cell in lines that follow each other.
    The last cell of a line belongs to no column.
    """
    widths: list[list[int]] = [[] for _ in lines]

    def fit(first: int, last: int, column: int) -> None:
        at = first
        while at < last:
            end = at
            while end < last and column < len(lines[end]) - 1:
                end += 1
            if end > at:
                width = max(least, *(len(line[column]) + padding for line in lines[at:end]))
                for line in widths[at:end]:
                    line.append(width)
                fit(at, end, column + 1)
            at = max(end, at + 1)

    fit(0, len(lines), 0)
    return "".join(
        "".join([*(cell.ljust(width) for cell, width in zip(cells, stops, strict=False)), *cells[-1:]]) + "\n"
        for cells, stops in zip(lines, widths, strict=True)
    )


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows as `kubectl get` prints them."""
    return safe(elastic([[one_line(cell) for cell in row] for row in rows], *TABLE))


def one_line(text: str) -> str:
    """A cell's text, cut at its first line break."""
    head, *rest = text.splitlines() or [""]
    return f"{head}..." if rest else head


def safe(text: str) -> str:
    """The text without what would steer a terminal: what tenants and runners wrote is shown to others."""
    return "".join(c if c in "\n\t" or c.isprintable() or c == "\xa0" else _caret(c) for c in text)


def _caret(character: str) -> str:
    code = ord(character)
    return f"^{chr(code ^ 0x40)}" if code < 0x80 else "\N{REPLACEMENT CHARACTER}"


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, `<unknown>` where it is not known."""
    return "<unknown>" if moment is None else human(now - moment)


def human(span: timedelta) -> str:
    """As kubectl writes an age: 90s, 5m30s, 3h20m, 2d5h, 1y30d."""
    seconds = int(span.total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < -1:
        return "<invalid>"
    if seconds < 120:
        return f"{max(0, seconds)}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d") if days < 8 * 365 else f"{days // 365}y"


def _two(many: int, unit: str, rest: int, smaller: str) -> str:
    return f"{many}{unit}{rest}{smaller}" if rest else f"{many}{unit}"
