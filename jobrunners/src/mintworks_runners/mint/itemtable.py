"""A job's items in little memory: some 90 bytes each, where objects would take ten times that. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey

from mintworks_runners.metadata.documents import document_uri

_KEY = 32


@dataclass(frozen=True, slots=True)
class Item:
    """One NFT to be: its number, where its row stands, and what is particular to it."""

    number: int
    row: int
    name: str
    uri: str
    owner: Pubkey


class ItemTable(Mapping[int, Item]):
    """Items by number, in ascending order. Their documents are those of one folder."""

    def __init__(self, cid: str, entries: Iterable[tuple[int, int, str, Pubkey]] = ()) -> None:
        """`entries` are (number, row, name, owner), in any order, each number once."""
        self._cid = cid
        self._rows = array("Q")
        self._owners = bytearray()
        self._names = bytearray()
        self._ends = array("Q", [0])
        given = array("Q")
        for number, row, name, owner in entries:
            given.append(number)
            self._rows.append(row)
            self._owners += bytes(owner)
            self._names += name.encode()
            self._ends.append(len(self._names))
        self._places = array("Q", sorted(range(len(given)), key=given.__getitem__))
        self._numbers = array("Q", (given[place] for place in self._places))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[int]:
        """Their numbers, ascending."""
        return iter(self._numbers)

    def __getitem__(self, number: int) -> Item:
        """The item of a number; KeyError where there is none."""
        place = self._places[self.rank(number)]
        name = self._names[self._ends[place] : self._ends[place + 1]].decode()
        owner = Pubkey.from_bytes(bytes(self._owners[place * _KEY : (place + 1) * _KEY]))
        return Item(number, self._rows[place], name, document_uri(self._cid, number), owner)

    def rank(self, number: int) -> int:
        """How many items have smaller numbers; KeyError where there is no item of this one."""
        numbers = self._numbers
        # Most often items are numbered without a gap.
        rank = number if number < len(numbers) and numbers[number] == number else bisect_left(numbers, number)
        if rank == len(numbers) or numbers[rank] != number:
            raise KeyError(number)
        return rank

    def by_uri(self, uri: str) -> Item | None:
        """The item whose document has this address."""
        text = uri.removeprefix(f"ipfs://{self._cid}/").removesuffix(".json")
        if not (text.isascii() and text.isdigit()) or len(text) > len("18446744073709551615"):
            return None
        number = int(text)
        if number >= 1 << 64 or document_uri(self._cid, number) != uri:
            return None
        try:
            return self[number]
        except KeyError:
            return None
