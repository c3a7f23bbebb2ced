"""Compute-budget instructions: how many compute units a transaction may use and what it pays for each."""

from __future__ import annotations

from collections.abc import Iterable

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import Instruction

from .borsh import Reader

LAMPORTS_PER_SIGNATURE = 5_000
MICRO = 1_000_000
MAX_COMPUTE_UNITS = 1_400_000
DEFAULT_UNITS_PER_INSTRUCTION = 200_000

_LIMIT = 2
_PRICE = 3


def budget_instructions(units: int, price: int) -> list[Instruction]:
    """Sets the limit in compute units and the price in micro-lamports a unit; a price of 0 is left out."""
    limit = set_compute_unit_limit(units)
    return [limit, set_compute_unit_price(price)] if price else [limit]


def decode_budget(datas: Iterable[bytes], other_instructions: int) -> tuple[int, int]:
    """(limit in units, price in micro-lamports a unit) that a transaction's compute-budget instructions set.

    `other_instructions` counts the transaction's instructions to other programs, for the default limit.
    DecodeError on an instruction cut short; kinds other than limit and price are passed over.
    """
    units = min(DEFAULT_UNITS_PER_INSTRUCTION * other_instructions, MAX_COMPUTE_UNITS)
    price = 0
    for data in datas:
        reader = Reader(data)
        kind = reader.u8()
        if kind == _LIMIT:
            units = min(reader.u32(), MAX_COMPUTE_UNITS)
        elif kind == _PRICE:
            price = reader.u64()
    return units, price


def fee(signatures: int, units: int, price: int) -> int:
    """What a transaction costs in lamports, whether it succeeds or not: base fee plus priority fee, rounded up."""
    return signatures * LAMPORTS_PER_SIGNATURE + -(-units * price // MICRO)
