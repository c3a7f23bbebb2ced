"""What is up for as long as a `with` block runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class UpAndDown(ABC):
    """Something with `up` and `down`, usable as a context manager: what fails on its way up is taken down again."""

    @abstractmethod
    def up(self) -> Self:
        """Start it; returns when it can be used."""

    @abstractmethod
    def down(self) -> None:
        """Stop it."""

    def __enter__(self) -> Self:
        try:
            return self.up()
        except BaseException:
            self.down()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
