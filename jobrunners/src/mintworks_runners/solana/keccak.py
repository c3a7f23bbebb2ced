"""Keccak-256, with which Solana's compression programs hash (not SHA3-256)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

# pycryptodome's takes six times as long, and a mint's leaf needs five hashes. The library has no types, and imported
# by name it is untyped on this line alone.
_keccak_256: Callable[[bytes], Any] = import_module("sha3").keccak_256


def keccak(data: bytes) -> bytes:
    """32 bytes."""
    digest: bytes = _keccak_256(data).digest()
    return digest
