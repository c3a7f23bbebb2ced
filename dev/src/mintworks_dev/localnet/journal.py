"""What survives kill -9: a log of the chain's blocks that is replayed at the next start.

One JSON line an event, appended and handed to the kernel before anybody can see the block at commitment confirmed.
Empty slots are not written; instead slots are reserved ahead, so that a restart never goes back behind a slot shown.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from solders.pubkey import Pubkey

from mintworks_dev.localnet.chain import Block, Chain
from mintworks_dev.localnet.errors import RejectedError
from mintworks_dev.localnet.genesis import CollectionNft, Funded, Genesis
from mintworks_dev.localnet.transaction import parse

_RESERVED_SLOTS = 64
_FILE = "chain.jsonl"
_VERSION = 1


class JournalError(Exception):
    """The state directory holds something that is no chain, or one of another version."""


class Journal:
    """The log of one chain, open for appending."""

    def __init__(self, file: BinaryIO, reserved: int) -> None:
        self._file = file
        self._reserved = reserved

    def block(self, block: Block, following: int) -> None:
        """Writes a sealed block; `following` is the slot that opened after it."""
        raws = [base64.b64encode(record.raw).decode() for record in block.records]
        if raws or following > block.slot + 1:
            self._write({"slot": block.slot, "time": block.time, "transactions": raws, "next": following})
        if following >= self._reserved:
            self._reserved = following + _RESERVED_SLOTS
            self._write({"reserved": self._reserved, "time": block.time})

    def advanced(self, slot: int, time: int) -> None:
        """Writes that the chain moved on to an open `slot` at once."""
        self._reserved = max(self._reserved, slot + _RESERVED_SLOTS)
        self._write({"open": slot, "time": time})
        self._write({"reserved": self._reserved, "time": time})

    def fork(self, slots: int, slot: int, time: int) -> None:
        """Writes that the newest slots were dropped while `slot` was open."""
        self._write({"fork": slots, "open": slot, "time": time})

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, event: dict[str, Any]) -> None:
        # one unbuffered write: after it the line outlives this process, whatever happens to it
        self._file.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")


def open_chain(directory: Path, genesis: Genesis, time: int) -> tuple[Chain, Journal]:
    """The chain of a state directory as it was, or a new one of this genesis where there is none."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _FILE
    if not path.exists():
        _create(path, genesis, time)
    events = _read(path)
    head = next(events, None)
    if head is None or head.get("version") != _VERSION:
        raise JournalError(f"{path} is not the log of a localnet of version {_VERSION}")
    chain = Chain(_genesis_of(head["genesis"]), head["time"])
    reserved = 0
    for event in events:
        reserved = max(reserved, event.get("reserved", 0))
        _replay(chain, event)
    if reserved > chain.slot:
        chain.advance(reserved - chain.slot, time)
    journal = Journal(path.open("ab", buffering=0), reserved)
    journal.advanced(chain.slot, time)
    return chain, journal


def _create(path: Path, genesis: Genesis, time: int) -> None:
    head = {"version": _VERSION, "time": time, "genesis": _genesis_json(genesis)}
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(head) + "\n")
    draft.replace(path)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """The events; a last line that was cut off by a crash is removed from the file."""
    with path.open("r+b") as file:
        good = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            good += len(line)
            yield json.loads(line)
        if good < file.seek(0, os.SEEK_END):
            file.truncate(good)


def _replay(chain: Chain, event: dict[str, Any]) -> None:
    time = event.get("time", 0)
    if "open" in event:
        _move_to(chain, event["open"], time)
    if "fork" in event:
        chain.fork(event["fork"])
    if "slot" in event:
        _move_to(chain, event["slot"], time)
        for raw in event["transactions"]:
            _resubmit(chain, base64.b64decode(raw), time)
        chain.seal(time, event["next"] - event["slot"] - 1)


def _move_to(chain: Chain, slot: int, time: int) -> None:
    if slot > chain.slot:
        chain.advance(slot - chain.slot, time)


def _resubmit(chain: Chain, raw: bytes, time: int) -> None:
    try:
        chain.submit(parse(raw), time)
    except RejectedError as error:
        raise JournalError(f"a block of the log does not replay: {error}") from error


def _genesis_json(genesis: Genesis) -> dict[str, Any]:
    return {
        "seed": genesis.seed,
        "funded": [[str(address), lamports] for address, lamports in genesis.funded],
        "collections": [
            [str(nft.mint), str(nft.authority), nft.name, nft.symbol, nft.uri] for nft in genesis.collections
        ],
    }


def _genesis_of(data: dict[str, Any]) -> Genesis:
    return Genesis(
        seed=data["seed"],
        funded=tuple(Funded(Pubkey.from_string(address), lamports) for address, lamports in data["funded"]),
        collections=tuple(
            CollectionNft(Pubkey.from_string(mint), Pubkey.from_string(authority), *texts)
            for mint, authority, *texts in data["collections"]
        ),
    )
