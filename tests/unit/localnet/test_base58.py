"""Our base58 writes what the library writes."""

from __future__ import annotations

import base58 as library
from hypothesis import given
from hypothesis import strategies as st
from mintworks_dev.localnet.rpc import base58


@given(st.binary(max_size=900))
def test_any_bytes(data: bytes) -> None:
    assert base58.encode(data) == library.b58encode(data).decode()


@given(st.integers(0, 5), st.binary(max_size=40))
def test_zeros_in_front(zeros: int, rest: bytes) -> None:
    data = bytes(zeros) + rest
    assert base58.encode(data) == library.b58encode(data).decode()


def test_all_ones() -> None:
    for length in range(300):
        assert library.b58decode(base58.encode(b"\xff" * length)) == b"\xff" * length
