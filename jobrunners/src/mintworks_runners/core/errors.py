"""How a run ends when it does not succeed: exceptions, and the exit code each one stands for.

The operator decides by the exit code alone (0 done, 64 bad input, 75 not finished, anything else one attempt used up);
the reason and the message are for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

T = TypeVar("T")

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_BAD_INPUT: Final = 64
EXIT_NOT_FINISHED: Final = 75

SECRETS: Final = frozenset({"InvalidSecret", "MissingSecret"})
"""Reasons that are about a Secret."""

FULL_FINDINGS: Final = 100
"""So many findings of one run are kept in full; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with the input, said so that a person can go and change it.

    `reason` is CamelCase for machines. `field` is a path in the job's spec (`rows`), `row` counts as a spreadsheet does
    (the header is row 1; in JSONL it is the line), `column` is the column's name, `item` the item's number.
    """

    reason: str
    message: str
    field: str | None = None
    row: int | None = None
    column: str | None = None
    item: int | None = None

    def to_json(self) -> dict[str, str | int]:
        """The finding as the protocol writes it: absent parts are left out."""
        parts = {
            "reason": self.reason,
            "message": self.message,
            "field": self.field,
            "row": self.row,
            "column": self.column,
            "item": self.item,
        }
        return {name: value for name, value in parts.items() if value is not None}

    def __str__(self) -> str:
        """Where, then what: `rows, row 3, column name: …`."""
        places = [
            self.field,
            None if self.item is None else f"item {self.item}",
            None if self.row is None else f"row {self.row}",
            None if self.column is None else f"column {self.column}",
        ]
        where = ", ".join(place for place in places if place)
        return f"{where}: {self.message}" if where else self.message


class RunEnded(Exception):  # noqa: N818 - not always an error: a stop at a safe point is one of these too
    """The run ends here with `exit_code`; `reason` is CamelCase, the message is for people and holds no secret."""

    exit_code: int = EXIT_FAILED

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.tally = ""
        """How far the run came, in a sentence without its stop; empty where that is not known."""


class AttemptFailed(RunEnded):
    """The attempt failed for a reason that may pass; it is tried again while attempts are left."""


class InvalidInput(RunEnded):
    """The input is bad and stays so: the job is final (exit 64). Carries all that was found, not only the first."""

    exit_code = EXIT_BAD_INPUT

    def __init__(self, findings: Iterable[Finding], *, total: int | None = None, reason: str | None = None) -> None:
        self.findings = tuple(findings)
        self.total = len(self.findings) if total is None else total
        if not self.findings:
            raise ValueError("InvalidInput needs at least one finding")
        first = self.findings[0]
        summary = str(first) if self.total == 1 else f"{self.total} problems; the first: {first}"
        super().__init__(reason or (first.reason if self.total == 1 else "InvalidInput"), summary)

    @classmethod
    def one(
        cls,
        reason: str,
        message: str,
        *,
        field: str | None = None,
        row: int | None = None,
        column: str | None = None,
        item: int | None = None,
    ) -> InvalidInput:
        """An InvalidInput with a single finding."""
        return cls([Finding(reason, message, field, row, column, item)])


class NotFinished(RunEnded):
    """Nothing is wrong with the job, but it cannot go on now (exit 75): no attempt is used up, it is started again."""

    exit_code = EXIT_NOT_FINISHED


class Waiting(NotFinished):
    """Something outside must change first: LeaseHeld, RedisAway, LowBalance, NoHealthyEndpoint, HistoryIncomplete …"""


class Stopped(NotFinished):
    """The run was asked to stop (SIGTERM) and did so at a safe point."""

    def __init__(self, message: str = "stopped at a safe point because the pod was told to end") -> None:
        super().__init__("Stopped", message)


class InputChanged(NotFinished):
    """What the sources hold now is not what the job's first attempt froze; nothing was done with it."""

    def __init__(self, message: str) -> None:
        super().__init__("InputChanged", message)


@contextmanager
def changed_where(frozen: bool) -> Iterator[None]:
    """Within this, InvalidInput becomes InputChanged where `frozen`: what was good when it was frozen has changed.

    A job whose sources someone edits in the middle of its run waits for them to be put right; it does not fail. Secrets
    are not frozen: one that is bad is said to be, whenever that is.
    """
    try:
        yield
    except InvalidInput as error:
        if not frozen or error.reason in SECRETS:
            raise
        raise InputChanged(f"the sources were good when they were frozen, and are not now: {error.message}") from error


def check_frozen(frozen: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """InputChanged where a frozen input says otherwise; what is not frozen yet is not held against."""
    for name, value in found.items():
        if frozen.get(name) not in (None, value):
            raise InputChanged(f"{name} is {value} now; the first attempt froze {frozen[name]}")


class Findings:
    """Collects problems so that all of a file are told together: the first 100 in full, the rest counted."""

    def __init__(self, limit: int = FULL_FINDINGS) -> None:
        self._limit = limit
        self.kept: list[Finding] = []
        self.total = 0

    def add(
        self,
        reason: str,
        message: str,
        *,
        field: str | None = None,
        row: int | None = None,
        column: str | None = None,
        item: int | None = None,
    ) -> None:
        """Note one problem."""
        self.total += 1
        if len(self.kept) < self._limit:
            self.kept.append(Finding(reason, message, field, row, column, item))

    @contextmanager
    def absorbed(self) -> Iterator[None]:
        """Within this, InvalidInput is noted, and ends what stands within this and no more."""
        try:
            yield
        except InvalidInput as error:
            self.kept += error.findings[: max(0, self._limit - len(self.kept))]
            self.total += error.total

    def take(self, make: Callable[[], T]) -> T | None:
        """What `make` answers; None where its InvalidInput was noted."""
        with self.absorbed():
            return make()
        return None

    def raise_if_any(self) -> None:
        """Raise InvalidInput with everything noted so far; do nothing where nothing was noted."""
        if self.total:
            raise InvalidInput(self.kept, total=self.total)
