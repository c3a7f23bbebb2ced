"""The few Borsh forms that Bubblegum uses, read and written over plain bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from solders.pubkey import Pubkey

T = TypeVar("T")


class DecodeError(ValueError):
    """The bytes are not what the format says: too short, or a tag that does not exist."""


def u8(value: int) -> bytes:
    """One byte; OverflowError outside 0–255."""
    return value.to_bytes(1, "little")


def u16(value: int) -> bytes:
    """Two bytes, little endian."""
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    """Four bytes, little endian."""
    return value.to_bytes(4, "little")


def u64(value: int) -> bytes:
    """Eight bytes, little endian."""
    return value.to_bytes(8, "little")


def boolean(value: bool) -> bytes:
    """0 or 1."""
    return b"\x01" if value else b"\x00"


def text(value: str) -> bytes:
    """A string: u32 length in bytes, then UTF-8."""
    raw = value.encode()
    return u32(len(raw)) + raw


def option(value: bytes | None) -> bytes:
    """0 for nothing, else 1 and the encoded value."""
    return b"\x00" if value is None else b"\x01" + value


class Reader:
    """Reads values one after another; what is left at the end is not looked at (the programs do not either)."""

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self._data = data
        self.offset = offset

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        end = self.offset + length
        if end > len(self._data):
            raise DecodeError(f"{length} bytes wanted at offset {self.offset}, {len(self._data)} bytes in all")
        part = self._data[self.offset : end]
        self.offset = end
        return part

    def _integer(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def u8(self) -> int:
        """One byte."""
        return self._integer(1)

    def u16(self) -> int:
        """Two bytes, little endian."""
        return self._integer(2)

    def u32(self) -> int:
        """Four bytes, little endian."""
        return self._integer(4)

    def u64(self) -> int:
        """Eight bytes, little endian."""
        return self._integer(8)

    def boolean(self) -> bool:
        """0 or 1, anything else is a DecodeError."""
        return self.tag(2) == 1

    def tag(self, count: int) -> int:
        """The tag of an enum that has `count` variants."""
        value = self.u8()
        if value >= count:
            raise DecodeError(f"tag {value} at offset {self.offset - 1}, only {count} variants exist")
        return value

    def text(self) -> str:
        """A string of UTF-8."""
        raw = self.take(self.u32())
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise DecodeError(f"not UTF-8 before offset {self.offset}: {error.reason}") from error

    def pubkey(self) -> Pubkey:
        """An address of 32 bytes."""
        return Pubkey.from_bytes(self.take(32))

    def option(self, read: Callable[[], T]) -> T | None:
        """Nothing, or what `read` reads."""
        return read() if self.boolean() else None
