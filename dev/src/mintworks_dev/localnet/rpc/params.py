"""Reads a request's parameters."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from mintworks_runners.solana import base58
from solders.hash import Hash, ParseHashError
from solders.pubkey import Pubkey
from solders.signature import Signature

from mintworks_dev.localnet.chain import COMMITMENTS
from mintworks_dev.localnet.rpc.errors import RpcError, invalid


class Params:
    """The parameters of one call: those with a place, and the configuration object behind them."""

    def __init__(self, values: object) -> None:
        if values is None:
            values = []
        if not isinstance(values, list):
            raise invalid("`params` should be an array")
        self._values = values

    def required(self, index: int) -> Any:
        """The parameter at a place; -32602 where it is missing."""
        if index >= len(self._values):
            raise invalid(f"`params` should have at least {index + 1} argument(s)")
        return self._values[index]

    def optional(self, index: int) -> Any:
        """The parameter at a place, or nothing."""
        return self._values[index] if index < len(self._values) else None

    def text(self, index: int) -> str:
        """A string."""
        value = self.required(index)
        if not isinstance(value, str):
            raise invalid(f"Invalid params: invalid type: {type(value).__name__}, expected a string.")
        return value

    def number(self, index: int) -> int:
        """A whole number of at least 0."""
        value = self.required(index)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise invalid("Invalid params: expected u64.")
        return value

    def pubkey(self, index: int) -> Pubkey:
        """An address."""
        return pubkey(self.text(index))

    def signature(self, index: int) -> Signature:
        """A signature."""
        return signature(self.text(index))

    def list(self, index: int, limit: int) -> list[Any]:
        """An array of at most `limit` entries."""
        value = self.required(index)
        if not isinstance(value, list):
            raise invalid("Invalid params: expected a sequence.")
        if len(value) > limit:
            raise invalid(f"Too many inputs provided; max {limit}")
        return value

    def config(self, index: int) -> dict[str, Any]:
        """The configuration object at a place; empty where there is none."""
        value = self.optional(index)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise invalid("Invalid params: expected a configuration object.")
        return value


def pubkey(text: object) -> Pubkey:
    """An address in base58."""
    try:
        return Pubkey.from_string(str(text))
    except ValueError as error:
        raise invalid(f"Invalid param: {error}") from error


def signature(text: object) -> Signature:
    """A signature in base58."""
    try:
        return Signature.from_string(str(text))
    except ValueError as error:
        raise invalid(f"Invalid param: {error}") from error


def blockhash(text: object) -> bytes:
    """A blockhash in base58, 32 bytes."""
    try:
        return bytes(Hash.from_string(str(text)))
    except (ValueError, ParseHashError) as error:
        raise invalid(f"Invalid param: {error}") from error


def commitment(config: dict[str, Any], default: str = "finalized") -> str:
    """The commitment asked for."""
    value = config.get("commitment") or default
    if value not in COMMITMENTS:
        known = ", ".join(f"`{name}`" for name in COMMITMENTS)
        raise invalid(f"Invalid params: unknown variant `{value}`, expected one of {known}.")
    return str(value)


def wire_bytes(text: str, encoding: object, default: str) -> bytes:
    """The bytes of a transaction or message in base58 or base64."""
    try:
        match encoding or default:
            case "base58":
                return base58.decode(text)
            case "base64":
                return base64.b64decode(text, validate=True)
            case other:
                raise invalid(f"unsupported encoding: {other}. Supported encodings: base58, base64")
    except (binascii.Error, ValueError) as error:
        if isinstance(error, RpcError):
            raise
        raise invalid(f"invalid {encoding or default} encoding: {error}") from error
