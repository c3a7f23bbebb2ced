"""The ledger for people: what became of every item, as CSV or JSON lines. Written as a stream, and as a whole or not at
all.

Not to be confused with `ledger.py`, the cache that makes the next attempt's replay short.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from solders.pubkey import Pubkey

from mintworks_runners.core.reasons import ended
from mintworks_runners.solana.programs import asset_id

from .history import History
from .money import MAINNET
from .reconcile import Standing

DEVNET = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"
"""Genesis hash of devnet."""

CSV_SUFFIX = ".csv"
COLUMNS = ("index", "name", "uri", "recipient", "assetId", "nonce", "signature", "slot", "explorer")

_EXPLORER = "https://explorer.solana.com/tx/"
_QUERIES = {MAINNET: "", DEVNET: "?cluster=devnet"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item; the last five are None while it is not minted, and `explorer` on chains that no explorer shows."""

    index: int
    name: str
    uri: str
    recipient: str
    assetId: str | None = None  # noqa: N815 - the fields are the columns' names
    nonce: int | None = None
    signature: str | None = None
    slot: int | None = None
    explorer: str | None = None


def entries(tree: Pubkey, standing: Standing, history: History, genesis: str) -> Iterator[Entry]:
    """Every item by ascending number, minted or not."""
    for index, nonce in standing.all():
        item = standing.items[index]
        owner = str(item.owner)
        if nonce is None:
            yield Entry(index, item.name, item.uri, owner)
            continue
        place = history.place(nonce)
        link = explorer(place.signature, genesis)
        asset = str(asset_id(tree, nonce))
        yield Entry(index, item.name, item.uri, owner, asset, nonce, place.signature, place.slot, link)


def explorer(signature: str, genesis: str) -> str | None:
    """A page that shows the transaction; None for chains that no public explorer knows."""
    query = _QUERIES.get(genesis)
    return None if query is None else f"{_EXPLORER}{signature}{query}"


def write_csv(rows: Iterable[Entry], file: TextIO) -> None:
    """A header and a line for each item; no value is a formula to a spreadsheet."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(row, column)) for column in COLUMNS] for row in rows)


def write_jsonl(rows: Iterable[Entry], file: TextIO) -> None:
    """A JSON object a line; what is not known is left out."""
    file.writelines(to_json(row) + "\n" for row in rows)


def to_json(row: Entry) -> str:
    """One item as a JSON object on one line."""
    return json.dumps({name: value for name, value in asdict(row).items() if value is not None}, ensure_ascii=False)


def check_place(root: Path, name: str) -> Path:
    """The ledger's path below the volume `root`, tried out before anything is minted.

    AttemptFailed `LedgerNotWritten` where nothing can be written there, or where a link leads out of the volume.
    """
    path = root / name
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.parent.resolve().is_relative_to(root.resolve()):
            raise ended("LedgerNotWritten", f"{name} leads out of its volume")
        part.touch()
        part.unlink()
    except OSError as error:
        raise _refused(path, error) from error
    return path


def write(path: Path, rows: Iterable[Entry]) -> None:
    """Replaces the file as a whole; CSV where its name ends in .csv, else JSON lines.

    AttemptFailed `LedgerNotWritten`.
    """
    write_rows: Callable[[Iterable[Entry], TextIO], None]
    write_rows = write_csv if path.suffix.lower() == CSV_SUFFIX else write_jsonl
    part = _part(path)
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            write_rows(rows, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise _refused(path, error) from error


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _refused(path: Path, error: OSError) -> Exception:
    return ended("LedgerNotWritten", f"{path.name}: {error.strerror or error}")


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
