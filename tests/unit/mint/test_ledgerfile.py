"""The ledger file and the tally: every item, minted or not, safe in a spreadsheet, whole or not there."""

import csv
import io
import json
import tracemalloc
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.termination import LIMIT, encode_failure
from mintworks_runners.mint import ledgerfile, outcome
from mintworks_runners.mint.books import Books
from mintworks_runners.mint.campaign import Campaign, Failure, Rules
from mintworks_runners.mint.facts import MintFact, TxFact
from mintworks_runners.mint.history import History
from mintworks_runners.mint.itemtable import Item, ItemTable
from mintworks_runners.mint.ledgerfile import DEVNET, Entry, entries, explorer
from mintworks_runners.mint.money import MAINNET
from mintworks_runners.mint.reconcile import Standing
from mintworks_runners.mint.tally import tally
from mintworks_runners.solana.programs import asset_id
from solders.pubkey import Pubkey

TREE = Pubkey.from_bytes(bytes([3]) * 32)
OWNER = Pubkey.from_bytes(bytes([5]) * 32)
FORMULA = '=HYPERLINK("https://x")'


@pytest.fixture
def history() -> Iterator[History]:
    found = History()
    mint = MintFact(0, "ipfs://c/1.json", OWNER, b"", b"", OWNER)
    found.add([TxFact("sig", 77, OWNER, 5000, mints=(mint,))])
    yield found
    found.close()


def standing() -> Standing:
    """Two items: number 1 is minted, number 0, whose name is a formula, is not."""
    return Standing(ItemTable("c", [(0, 2, FORMULA, OWNER), (1, 3, "Zwölf", OWNER)]), array("q", [-1, 0]))


def test_every_item_with_all_that_is_known_of_it(history: History) -> None:
    link = "https://explorer.solana.com/tx/sig?cluster=devnet"
    assert list(entries(TREE, standing(), history, DEVNET)) == [
        Entry(0, FORMULA, "ipfs://c/0.json", str(OWNER)),
        Entry(1, "Zwölf", "ipfs://c/1.json", str(OWNER), str(asset_id(TREE, 0)), 0, "sig", 77, link),
    ]


def test_an_explorer_only_for_chains_that_it_shows() -> None:
    assert explorer("sig", MAINNET) == "https://explorer.solana.com/tx/sig"
    assert explorer("sig", "another") is None


def test_csv_for_spreadsheets_and_jsonl_for_programs(tmp_path: Path, history: History) -> None:
    for name in ("ledger.csv", "ledger.jsonl"):
        ledgerfile.write(ledgerfile.check_place(tmp_path, f"deep/{name}"), entries(TREE, standing(), history, "g"))
    with (tmp_path / "deep" / "ledger.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    # A name that a spreadsheet would carry out begins with an apostrophe, which makes it text there.
    assert (first["name"], first["signature"]) == (f"'{FORMULA}", "")
    assert (second["name"], second["nonce"], second["slot"], second["explorer"]) == ("Zwölf", "0", "77", "")
    lines = [json.loads(line) for line in (tmp_path / "deep" / "ledger.jsonl").read_text().splitlines()]
    assert lines[0] == {"index": 0, "name": FORMULA, "uri": "ipfs://c/0.json", "recipient": str(OWNER)}
    assert lines[1]["assetId"] == str(asset_id(TREE, 0))
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["ledger.csv", "ledger.jsonl"]


@given(name=st.text(max_size=32).filter(lambda name: "\r" not in name))
def test_no_cell_is_a_formula(name: str) -> None:
    file = io.StringIO(newline="")
    ledgerfile.write_csv([Entry(0, name, "u", "r")], file)
    _, row = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert row[1] in (name, f"'{name}")
    assert row[1][:1] not in ("=", "+", "-", "@", "\t")


def test_a_ledger_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, history: History) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text("old")

    def cut() -> Iterator[Entry]:
        yield next(entries(TREE, standing(), history, "g"))
        raise OSError(28, "No space left on device")

    with pytest.raises(AttemptFailed, match=r"ledger\.csv: No space left") as raised:
        ledgerfile.write(path, cut())
    assert raised.value.reason == "LedgerNotWritten"
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("ledger.csv", "old")]


def test_a_place_that_cannot_be_written_is_found_before_anything_is_minted(tmp_path: Path) -> None:
    (volume := tmp_path / "volume").mkdir()
    (volume / "file").touch()
    (volume / "out").symlink_to(tmp_path)
    for name in ("file/ledger.csv", "out/ledger.csv"):
        with pytest.raises(AttemptFailed) as raised:
            ledgerfile.check_place(volume, name)
        assert raised.value.reason == "LedgerNotWritten"


def test_a_large_ledger_takes_little_memory(tmp_path: Path) -> None:
    rows = (Entry(n, f"n{n}", f"ipfs://c/{n}.json", "r", "a", n, "s", n) for n in range(50_000))
    tracemalloc.start()
    ledgerfile.write(tmp_path / "ledger.csv", rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000 < (tmp_path / "ledger.csv").stat().st_size


def test_the_tally_in_ranges() -> None:
    assert tally(10, []) == "10 of 10 items are minted"
    assert tally(10, [3, 5, 6, 7]) == "6 of 10 items are minted; not minted: 3, 5-7"
    assert tally(1_000_000, range(1_000_000)) == "0 of 1000000 items are minted; not minted: 0-999999"
    odd = tally(1000, range(1, 1000, 2), limit=12)
    assert odd == "500 of 1000 items are minted; not minted: 1, 3, 5, 7, and 496 more"


@given(missing=st.sets(st.integers(0, 10**6)), limit=st.integers(0, 60))
def test_the_tally_is_short_and_counts_all(missing: set[int], limit: int) -> None:
    text = tally(10**6 + 1, sorted(missing), limit)
    head, _, listed = text.partition("; not minted: ")
    assert head == f"{10**6 + 1 - len(missing)} of {10**6 + 1} items are minted"
    assert len(listed) <= limit + len("and 1000001 more")
    count = 0
    for part in listed.split(", ") if listed else ():
        first, _, last = part.removeprefix("and ").partition("-")
        count += int(first.removesuffix(" more")) if part.startswith("and ") else int(last or first) - int(first) + 1
    assert count == len(missing)


def test_a_failed_run_tells_what_is_minted_within_its_message() -> None:
    items = {n: Item(n, n + 2, "n" * 32, f"ipfs://c/{n}.json", OWNER) for n in range(100)}
    failed = {n: Failure(n, '{"InstructionError": [2, {"Custom": 6006}]}', "sig") for n in range(0, 100, 2)}
    error = outcome.refused(failed, items, "spec.metadataFrom.manifest")
    error.tally = tally(10**6, range(0, 10**6, 2))
    message = encode_failure(error)
    told = json.loads(message)
    assert len(message) <= LIMIT
    assert "500000 of 1000000 items are minted; not minted: 0, 2, 4, " in told["message"]
    assert told["message"].endswith("Correct what status.errors lists, then delete the job and apply it again.")
    assert told["errors"][0]["item"] == 0


def test_a_campaign_knows_what_is_not_minted() -> None:
    campaign = Campaign(Rules(batch=2), [1, 2, 5, 8], Books(), 0)
    campaign.signed("a", campaign.next_items(), b"", 100, 5000)
    assert campaign.not_minted() == [1, 2, 5, 8]
