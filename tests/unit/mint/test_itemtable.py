"""The table of items, held against a plain dict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_runners.mint.itemtable import Item, ItemTable
from solders.pubkey import Pubkey

CID = "bafy"
keys = st.binary(min_size=32, max_size=32).map(Pubkey.from_bytes)
entries = st.lists(
    st.tuples(st.integers(0, 2**40), st.integers(0, 2**40), st.text(max_size=9), keys), unique_by=lambda e: e[0]
)


@given(entries)
def test_it_holds_what_it_was_given_by_ascending_number(given: list[tuple[int, int, str, Pubkey]]) -> None:
    table = ItemTable(CID, iter(given))
    expected = {n: Item(n, row, name, f"ipfs://{CID}/{n}.json", owner) for n, row, name, owner in sorted(given)}
    assert list(table.items()) == list(expected.items())
    assert [table.rank(number) for number in expected] == list(range(len(given)))
    assert [table.by_uri(item.uri) for item in expected.values()] == list(expected.values())


def test_what_is_not_in_it() -> None:
    table = ItemTable(CID, [(n, 0, "x", Pubkey.default()) for n in (0, 1, 5)])
    for number in (2, 6, 2**70):
        assert number not in table
        with pytest.raises(KeyError):
            table.rank(number)
    uris = ["", "ipfs://bafy/2.json", "ipfs://bafy/01.json", "ipfs://bafx/1.json", "ipfs://bafy/1.jso", "ipfs://bafy/1"]
    uris += [
        "ipfs://bafy/²5.json",
        f"ipfs://bafy/{'9' * 5000}.json",
        f"ipfs://bafy/{2**64}.json",
        "ipfs://bafy/-1.json",
    ]
    assert [table.by_uri(uri) for uri in uris] == [None] * len(uris)
