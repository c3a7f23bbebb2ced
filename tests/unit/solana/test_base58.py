"""Our base58 writes and reads what the library writes and reads."""

from __future__ import annotations

import base58 as library
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_runners.solana import base58


@given(st.binary(max_size=900))
def test_any_bytes(data: bytes) -> None:
    text = library.b58encode(data).decode()
    assert base58.encode(data) == text
    assert base58.decode(text) == data


@given(st.integers(0, 5), st.binary(max_size=40))
def test_zeros_in_front(zeros: int, rest: bytes) -> None:
    data = bytes(zeros) + rest
    text = library.b58encode(data).decode()
    assert base58.encode(data) == text
    assert base58.decode(text) == data


def test_all_ones() -> None:
    for length in range(300):
        assert library.b58decode(base58.encode(b"\xff" * length)) == b"\xff" * length


@pytest.mark.parametrize("text", ["0", "abc0", "I" * 30, "é"])
def test_other_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not base58"):
        base58.decode(text)
