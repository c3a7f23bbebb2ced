"""The pure parts around the state machine: items, reconciliation, tree, money, price, books, window, lease, cache."""

import asyncio
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_api import MintJobSpec
from mintworks_api.mintjob import Asset, Recipients, TreeCreate
from mintworks_runners.core.errors import Findings, InputChanged, InvalidInput, Waiting
from mintworks_runners.core.protocol import Environment
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.core.tasks import end
from mintworks_runners.metadata.recompute import MintItem
from mintworks_runners.mint import lease
from mintworks_runners.mint.books import Books
from mintworks_runners.mint.builder import MintBuilder, Signer
from mintworks_runners.mint.campaign import Campaign, Rules
from mintworks_runners.mint.facts import MintFact, TxFact
from mintworks_runners.mint.history import History, Place
from mintworks_runners.mint.inputs import NAMES, compare
from mintworks_runners.mint.items import Design, check, design, resolve
from mintworks_runners.mint.itemtable import Item, ItemTable
from mintworks_runners.mint.keys import _secret_endpoints, read_keypair
from mintworks_runners.mint.lease import Renewal, has_lapsed, is_due, may_sign
from mintworks_runners.mint.ledger import FileLedger, decode_lines, encode_line
from mintworks_runners.mint.money import Estimate, estimate, objection, sol
from mintworks_runners.mint.packing import MAX_BYTES
from mintworks_runners.mint.prepare import target_of
from mintworks_runners.mint.pricing import Compute, percentile, price
from mintworks_runners.mint.reconcile import audit, reconcile
from mintworks_runners.mint.redislink import AWAY, RedisLink
from mintworks_runners.mint.rpc.bucket import Bucket
from mintworks_runners.mint.rpc.chain import Account
from mintworks_runners.mint.treeplan import Found, check_given, check_new, creation, new_tree, read_found
from mintworks_runners.mint.window import Window, first_size
from mintworks_runners.solana.instructions import CollectionAccounts
from mintworks_runners.solana.programs import BUBBLEGUM, COMPRESSION, SYSTEM
from mintworks_runners.solana.tree import TreeConfig, TreeHeader, TreeSize
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

WALLET = Keypair.from_seed(bytes([1]) * 32)
ME = WALLET.pubkey()
STRANGER = Keypair.from_seed(bytes([2]) * 32).pubkey()
TREE = Pubkey.from_bytes(bytes([3]) * 32)
COLLECTION = CollectionAccounts(Pubkey.from_bytes(bytes([4]) * 32), ME)
keys = st.binary(min_size=32, max_size=32).map(Pubkey.from_bytes)


def row(number: int, recipient: str | None = None) -> MintItem:
    return MintItem(number, f"n{number}", f"ipfs://c/{number}.json", recipient, number + 2)


def plain(creators: list[tuple[str, int]] | None = None) -> Design:
    listed = [{"address": address, "share": share} for address, share in creators or []]
    return design(TREE, ME, Asset.model_validate({"symbol": "S", "creators": listed}), None)


@dataclass
class Rows:
    rows: list[MintItem]
    cid: str = "c"
    field: str = "rows"

    def __iter__(self) -> Iterator[MintItem]:
        return iter(self.rows)


def items_of(count: int) -> ItemTable:
    return resolve(Rows([row(n) for n in range(count)]), Recipients(default="wallet"), ME, Findings())


def leaf_of(item: Item, nonce: int, what: Design, delegate: Pubkey = ME) -> MintFact:
    leaf = what.mint(item).leaf(nonce)
    return MintFact(nonce, item.uri, leaf.owner, leaf.data_hash, leaf.hash(), delegate)


# --- items ---


def test_an_override_beats_the_row_which_beats_the_default() -> None:
    recipients = Recipients.model_validate({"default": str(TREE), "overrides": {"0": str(STRANGER)}})
    rows = [row(0, str(ME)), row(1, str(ME)), row(2)]
    owners = [item.owner for item in resolve(Rows(rows), recipients, ME, Findings()).values()]
    assert owners == [STRANGER, ME, TREE]


def test_rows_without_recipient_and_overrides_without_row() -> None:
    findings = Findings()
    recipients = Recipients.model_validate({"overrides": {"5": str(ME), "five": str(ME)}})
    assert resolve(Rows([row(0)]), recipients, ME, findings) == {}
    assert [(f.reason, f.row, f.item) for f in findings.kept] == [
        ("InvalidItem", None, None),
        ("NoRecipient", 2, 0),
        ("UnknownItem", None, 5),
    ]


NO_ADDRESS = "z" * 44  # the right letters, but more than 32 bytes


@pytest.mark.parametrize("recipients", [{"default": NO_ADDRESS}, {"overrides": {"0": NO_ADDRESS}}])
def test_a_recipient_that_is_no_address_is_bad_input(recipients: dict[str, Any]) -> None:
    findings = Findings()
    resolve(Rows([row(0, str(ME)), row(1, str(ME))]), Recipients.model_validate(recipients), ME, findings)
    assert [finding.reason for finding in findings.kept] == ["InvalidAddress"]


def test_a_creator_or_a_tree_that_is_no_address_is_bad_input() -> None:
    with pytest.raises(InvalidInput, match="is not an address"):
        plain([(NO_ADDRESS, 100)])
    spec = {
        "solana": {"rpcUrls": ["http://localhost"]},
        "wallet": {"secret": {"name": "w", "key": "k"}},
        "tree": {"address": NO_ADDRESS},
        "metadataFrom": {"job": "m"},
        "recipients": {"default": "wallet"},
    }
    with pytest.raises(InvalidInput, match="is not an address"):
        target_of(MintJobSpec.model_validate(spec), ME, "g", "c")


@pytest.mark.parametrize("key", ["9" * 4400, "01", "-1", "\u0661", ""])
def test_an_override_has_one_spelling(key: str) -> None:
    findings = Findings()
    resolve(
        Rows([row(1)]), Recipients.model_validate({"default": "wallet", "overrides": {key: str(TREE)}}), ME, findings
    )
    assert [finding.reason for finding in findings.kept] == ["InvalidItem"]
    assert len(findings.kept[0].message) < 100


def test_the_wallet_as_creator_is_verified_others_are_not() -> None:
    what = plain([(str(ME), 60), (str(STRANGER), 40)])
    assert [creator.verified for creator in what.creators] == [True, False]
    findings = Findings()
    check(items_of(3), what, findings, "rows")
    assert findings.total == 0


def test_what_all_items_share_is_told_once_and_what_is_a_rows_own_with_its_row() -> None:
    items = {n: Item(n, n + 2, "x" * 33, f"ipfs://c/{n}.json", ME) for n in range(2)}
    findings = Findings()
    check(items, Design(TREE, ME, "TOO-LONG-SYMBOL", 0, True, (), None), findings, "rows")
    assert [(f.column, f.row) for f in findings.kept] == [("name", 2), (None, None), ("name", 3)]


def test_batches_keep_to_the_size_of_a_transaction() -> None:
    listed = [{"address": str(ME), "share": 100}]
    what = design(TREE, ME, Asset.model_validate({"symbol": "GEN", "creators": listed}), COLLECTION)
    cid = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
    own = {n: Item(n, n, "Genesis #12", f"ipfs://{cid}/{n}.json", Pubkey.new_unique()) for n in range(10)}
    shared = {n: Item(n, n, "Genesis #12", f"ipfs://{cid}/{n}.json", STRANGER) for n in range(10)}
    assert MintBuilder(own, what, Signer(WALLET)).most(range(10), Hash.default(), lambda _: 1, 1).items == 2
    assert MintBuilder(shared, what, Signer(WALLET)).most(range(10), Hash.default(), lambda _: 1, 1).items == 3
    signed = MintBuilder(shared, what, Signer(WALLET)).sign([0, 1, 2], Hash.default(), 100, 1_000_000)
    assert len(signed.wire) <= MAX_BYTES
    assert signed.cost == 5_100


# --- what the chain holds ---


def test_reconcile_finds_what_is_there_and_what_is_not() -> None:
    items, what = items_of(4), plain()
    mints = [leaf_of(items[2], 0, what), leaf_of(items[0], 1, what)]
    standing = reconcile(items, what, mints, Findings(), public=False)
    assert (standing.minted, list(standing.pairs()), list(standing.missing())) == (2, [(0, 1), (2, 0)], [1, 3])


def test_other_owner_other_data_other_delegate_and_twice_are_conflicts() -> None:
    items, what = items_of(4), plain()
    other = design(TREE, ME, Asset(symbol="T"), None)
    moved = Item(0, 2, items[0].name, items[0].uri, STRANGER)
    fact = leaf_of(items[2], 2, what)
    mints = [
        leaf_of(moved, 0, what),
        leaf_of(items[1], 1, other),
        MintFact(2, fact.uri, fact.owner, fact.data_hash, bytes(32), ME),
        leaf_of(items[3], 3, what),
        leaf_of(items[3], 4, what),
    ]
    findings = Findings()
    reconcile(items, what, mints, findings, public=False)
    words = ["not to", "other metadata", "another delegate", "twice"]
    assert [word in f.message for word, f in zip(words, findings.kept, strict=True)] == [True] * 4
    assert {f.reason for f in findings.kept} == {"Conflict"}


def test_on_a_public_tree_only_our_own_leaves_count() -> None:
    items, what = items_of(1), plain()
    mints = [leaf_of(items[0], 0, what, STRANGER)]
    assert reconcile(items, what, mints, Findings(), public=True).minted == 0
    assert reconcile(items, what, mints, Findings(), public=False).minted == 1


def test_audit_names_what_is_wrong() -> None:
    items, what = items_of(3), plain()
    standing = reconcile(items, what, [leaf_of(items[n], n, what) for n in (0, 1)], Findings(), public=False)

    def audited(failed: set[int]) -> list[str]:
        findings = Findings()
        audit(standing, failed, findings)
        return [finding.message for finding in findings.kept]

    assert audited({2}) == []
    assert audited(set()) == ["item 2 is not on the tree"]
    assert audited({1, 2}) == ["item 1 failed, but is on the tree"]


def test_history_knows_its_gaps_its_anchor_and_what_was_paid() -> None:
    def fact(nonce: int, slot: int, payer: Pubkey = ME) -> TxFact:
        mint = MintFact(nonce, "u", ME, b"", b"", ME)
        return TxFact(f"s{nonce}", slot, payer, 5000, 7 if nonce == 0 else 0, None, (mint,))

    history = History()
    assert history.anchor_slot() is None
    assert len(history.add([fact(0, 10), fact(1, 20), fact(3, 40, STRANGER)])) == 3
    assert history.add([fact(0, 10)]) == []
    assert (history.missing(5), history.first_missing(), history.anchor_slot()) == (2, 2, 20)
    assert (history.place(3), [mint.nonce for mint in history.mints()]) == (Place("s3", 40), [0, 1, 3])
    assert history.spent(ME, 0) == (10_000, 7)
    assert history.spent(ME, 15) == (5_000, 0)


facts = st.builds(
    TxFact,
    signature=st.text("abcdef", min_size=1),
    slot=st.integers(0, 10**9),
    payer=keys,
    fee=st.integers(0, 10**9),
    rent=st.integers(0, 10**9),
    error=st.none() | st.text(),
    mints=st.lists(
        st.builds(
            MintFact, st.integers(0, 10**6), st.text(), keys, st.binary(max_size=32), st.binary(max_size=32), keys
        ),
        max_size=3,
    ).map(tuple),
)


@given(st.lists(facts, max_size=4), st.data())
def test_cache_lines_are_read_as_written_or_not_at_all(kept: list[TxFact], data: st.DataObject) -> None:
    text = "\n".join(map(encode_line, kept))
    assert decode_lines(text.split("\n")) == kept
    cut = data.draw(st.integers(0, len(text)))
    assert decode_lines(text[:cut].split("\n")) == kept[: len(decode_lines(text[:cut].split("\n")))]


def test_whole_lines_of_another_format_are_passed_over() -> None:
    bodies = [json.dumps(values) for values in (["old", "format"], 7, [*range(6), [[1]]], ["s", 1, 2, 3, 4, None, []])]
    assert decode_lines(f"{zlib.crc32(body.encode()):08x} {body}" for body in bodies) == []


async def test_a_cache_file_goes_on_after_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    cache = FileLedger(path)
    assert [facts async for facts in cache.load()] == []
    one, two = (TxFact(name, 1, ME, 5, 0, None) for name in "ab")
    await cache.append([one])
    path.write_text(path.read_text() + encode_line(two)[:30])
    await cache.append([two])
    assert [fact async for facts in cache.load() for fact in facts] == [one, two]


# --- the tree ---


def test_the_trees_address_follows_from_what_is_minted() -> None:
    create = TreeCreate(capacity=100)
    plan = new_tree(create, ME, "genesis", "cid")
    assert plan == new_tree(create, ME, "genesis", "cid")
    others = [
        new_tree(create, STRANGER, "genesis", "cid"),
        new_tree(create, ME, "other", "cid"),
        new_tree(create, ME, "genesis", "other"),
        new_tree(TreeCreate(capacity=100, salt="2"), ME, "genesis", "cid"),
    ]
    assert len({plan.address, *(other.address for other in others)}) == 5
    assert len(plan.seed) == 32
    assert plan.address == Pubkey.create_with_seed(ME, plan.seed, COMPRESSION)


def found(config: TreeConfig, size: TreeSize) -> Found:
    data = TreeHeader(size.max_buffer_size, size.max_depth, ME, 1).encode().ljust(size.account_bytes, b"\0")
    tree = Account(9, COMPRESSION, 1, data)
    return read_found(9, tree, Account(9, BUBBLEGUM, 1, config.encode()))


def test_what_is_found_at_a_new_trees_address() -> None:
    plan = new_tree(TreeCreate(capacity=100), ME, "g", "c")
    own = TreeConfig(ME, ME, plan.size.capacity, 0, public=False)
    assert check_new(found(own, plan.size), plan, ME) is None
    assert check_new(read_found(9, None, None), plan, ME) is None
    gift = read_found(9, Account(9, SYSTEM, 5, b""), None)
    assert gift.prefunded
    assert check_new(gift, plan, ME) is None
    wrong = [
        found(own, TreeSize(14, 256)),
        found(TreeConfig(STRANGER, ME, 1, 0, public=False), plan.size),
        found(TreeConfig(ME, ME, 1, 0, public=True), plan.size),
        read_found(9, Account(9, STRANGER, 5, b"x"), None),
        read_found(9, Account(9, COMPRESSION, 5, bytes(400)), Account(9, BUBBLEGUM, 5, bytes(96))),
    ]
    findings = [check_new(there, plan, ME) for there in wrong]
    assert [finding and finding.reason for finding in findings] == ["TreeMismatch"] * 5


def test_what_is_found_at_a_given_address() -> None:
    size = TreeSize(14, 64)
    theirs = found(TreeConfig(STRANGER, STRANGER, 1, 0, public=False), size)
    delegated = found(TreeConfig(STRANGER, ME, 1, 0, public=False), size)
    public = found(TreeConfig(STRANGER, STRANGER, 1, 0, public=True), size)
    cases = [(theirs, True), (delegated, False), (public, False), (public, True), (read_found(9, None, None), True)]
    findings = [check_given(there, TREE, ME, allow_public=allowed) for there, allowed in cases]
    reasons = [finding and finding.reason for finding in findings]
    assert reasons == ["NotTreeDelegate", None, "PublicTree", None, "NoTree"]


def test_an_address_with_lamports_is_topped_up_and_allocated() -> None:
    plan = new_tree(TreeCreate(capacity=8), ME, "g", "c")
    assert [len(creation(plan, ME, 1000, present)) for present in (0, 1, 999, 1000, 2000)] == [2, 3, 3, 2, 2]


# --- money and price ---


def test_estimate_and_objections() -> None:
    size = TreeSize(14, 64)
    needed = estimate(size, 34, 2)
    assert needed.fees == 5_000 + 34 * 2 * 5_000
    assert needed.rent > size.rent
    assert objection(needed, 0, 10**12, needed.total) is None
    reasons = [
        objection(needed, 0, 10**12, needed.total - 1),
        objection(needed, 5, 10**12, needed.total),
        objection(needed, 0, needed.total - 1, None),
    ]
    assert [no and (no.reason, no.exit_code) for no in reasons] == [
        ("MaxCostTooLow", 64),
        ("CostLimit", 75),
        ("LowBalance", 75),
    ]
    assert estimate(None, 0, 1) == Estimate(0, 0)
    assert (sol(1_500_000_000), sol(5_000), sol(0)) == ("1.5", "0.000005", "0")


def test_percentile_and_price() -> None:
    assert percentile([], 75) == 0
    assert [percentile([40, 10, 30, 20], percent) for percent in (0, 25, 50, 75, 76, 100)] == [10, 10, 20, 30, 40, 40]
    assert price([10, 5000], 100, 1000) == 1000


def test_compute_limits_grow_with_what_was_seen_and_with_retries() -> None:
    compute = Compute()
    compute.learn(90_000, 3)
    compute.learn(20_000, 1)
    assert compute.limit(1, 0) == 33_000 + 25_000
    assert compute.limit(3, 0) < compute.limit(3, 1) < compute.limit(3, 2) <= compute.limit(10, 9) == 1_400_000


# --- books, window, lease, inputs, budget ---


def test_books_count_by_slot_and_tell_what_is_unexplained() -> None:
    books = Books()
    books.enter("a", 10, 3)
    books.enter("a", 10, 3)
    books.enter("b", 20, 2)
    assert [books.up_to(slot) for slot in (9, 10, 19, 20)] == [0, 3, 3, 5]
    books.compare(15, 5, 1.0)
    assert (books.accounted_to, books.unexplained(), books.unequal_for(4.0)) == (-1, 2, 3.0)
    books.enter("c", 12, 2)
    books.settle()
    assert (books.accounted_to, books.unexplained(), books.unequal_for(9.0)) == (15, 0, 0.0)
    books.compare(14, 99, 9.0)
    assert books.accounted_to == 15


def test_what_is_accounted_for_is_known_whoever_tells_of_it_again() -> None:
    books = Books(10, 4)
    books.enter("old", 10, 4)
    books.enter("new", 11, 1)
    assert (books.knows("old", 10), books.knows("new", 11), books.knows("newer", 12)) == (True, True, False)
    assert [books.up_to(slot) for slot in (10, 11)] == [4, 5]
    books.compare(11, 5, 0.0)
    books.enter("new", 11, 1)
    books.enter("newer", 12, 2)
    assert (books.accounted_to, books.up_to(12), books.newest_slot()) == (11, 7, 12)


def test_a_reading_waits_for_statuses_that_come_later_than_the_next_reading() -> None:
    books = Books()
    for second in range(20):
        # Each second a mint, and the news of it three seconds after.
        books.compare(second, second + 1, float(second))
        if second >= 3:
            books.enter(str(second - 3), second - 3, 1)
            books.settle()
    assert books.accounted_to >= 12
    assert books.unequal_for(20.0) < 5


def test_a_reading_that_never_matches_gives_way_to_a_newer_one() -> None:
    books = Books()
    books.compare(10, 7, 0.0)
    books.compare(20, 0, 1.0)
    assert books.accounted_to == -1
    books.compare(30, 0, 6.0)
    assert books.accounted_to == 30


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=30), st.integers(0, 30))
def test_books_agree_with_counting(entries: list[tuple[int, int]], slot: int) -> None:
    books = Books()
    for number, (at, mints) in enumerate(entries):
        books.enter(str(number), at, mints)
    assert books.up_to(slot) == sum(mints for at, mints in entries if at <= slot)


def test_the_window_grows_to_its_cap_and_shrinks_once_for_losses_together() -> None:
    window = Window(100)
    for _ in range(200):
        window.landed()
    assert window.size == 100
    window.lost(10.0)
    window.lost(11.0)
    assert window.size == 50
    for _ in range(10):
        window.landed()
    assert window.size == 50
    for second in range(20, 60, 3):
        window.lost(float(second))
    assert window.size == 4
    assert Window(2).size == 2


def test_a_large_budget_starts_with_more_under_way_but_never_above_the_cap() -> None:
    assert Window(10_000, first_size(10_000)).size == 1000
    assert Window(10_000, first_size(50)).size == Window(10_000).size == 32
    assert Window(100, first_size(10_000)).size == 100
    campaign = Campaign(Rules(batch=1, cap=3, start=2), range(9), Books(), 0)
    for number in range(2):
        campaign.signed(str(number), campaign.next_items(), b"", 100, 5)
    assert campaign.next_items() == ()


def test_the_lease_counts_seconds_and_blocks() -> None:
    renewal = Renewal(at=100.0, height=1000)
    assert not is_due(renewal, 104.9, 1019)
    assert is_due(renewal, 105.0, 1000)
    assert is_due(renewal, 100.0, 1020)
    assert may_sign(renewal, 119.9, 1050)
    assert not may_sign(renewal, 120.0, 1000)
    assert not may_sign(renewal, 100.0, 1051), "a machine that slept fetches a blockhash that outlives every wait"
    assert has_lapsed(renewal, 120.0)


def test_inputs_are_complete_or_not_or_other() -> None:
    here = dict.fromkeys(NAMES, "x")
    assert compare(here, here)
    assert not compare({"cid": "x"}, here)
    with pytest.raises(InputChanged, match="cid is x now"):
        compare({"cid": "y"}, here)


def test_the_budget_lets_a_second_worth_through_and_then_paces() -> None:
    bucket = Bucket(10.0, 0.0)
    assert [bucket.wait(bucket.take(0.0), 0.0) for _ in range(10)] == [0.0] * 10
    assert bucket.wait(bucket.take(0.0), 0.0) == pytest.approx(0.1)
    assert bucket.wait(bucket.take(0.0), 0.0) == pytest.approx(0.2)
    assert (bucket.spare(0.0, 1), bucket.spare(0.7, 1)) == (0, 3)
    assert bucket.wait(bucket.take(5.0), 5.0) == 0.0


@pytest.mark.parametrize("rate", [1.0, 2.0, 3.0])
def test_a_small_budget_still_lets_one_transaction_wait_for_its_turn(rate: float) -> None:
    bucket = Bucket(rate, 0.0)
    for _ in range(9):
        bucket.take(0.0)
    assert (bucket.spare(0.0, 0), bucket.spare(0.0, 1)) == (1, 0)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_lock_that_another_holds_leaves_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LOCK_PATIENCE_SECONDS", -1.0)
    first, second = lease.FileLease(tmp_path / "l"), lease.FileLease(tmp_path / "l")
    await first.acquire(0, StopSignal())
    before = open_files()
    with pytest.raises(Waiting, match="another process"):
        await second.acquire(0, StopSignal())
    assert open_files() == before
    await first.release()
    await second.acquire(0, StopSignal())
    await second.release()


async def test_a_file_that_holds_no_redis_url_is_redis_being_away(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("nonsense://:secret@host")
    link = RedisLink(replace(Environment.read({}), redis_file=path))
    with pytest.raises(AWAY) as raised:
        await link.client()
    assert "secret" not in str(raised.value)


# --- keys and tasks ---


@pytest.mark.parametrize(
    "content", ["", "[1,2]", json.dumps([256] * 64), json.dumps([1] * 64), '{"a": 1}', "[[1]]", "[" * 100_000]
)
def test_a_bad_key_is_named_and_never_shown(tmp_path: Path, content: str) -> None:
    path = tmp_path / "id.json"
    path.write_text(content)
    with pytest.raises(InvalidInput) as raised:
        read_keypair(path, "spec.wallet.secret")
    assert raised.value.reason == "InvalidSecret"
    assert raised.value.__cause__ is None
    assert raised.value.findings[0].field == "spec.wallet.secret"


def test_a_key_that_is_a_directory(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_keypair(tmp_path, "f")
    assert raised.value.reason == "InvalidSecret"


@pytest.mark.parametrize(
    "url", ["http://h:99999", "http://[::1", "http://a b", "http://\u00e9..x", "ftp://h", "http://"]
)
def test_a_url_that_is_none_is_bad_input_and_not_shown(tmp_path: Path, url: str) -> None:
    path = tmp_path / "urls"
    path.write_text(f"# ours\n{url}\n")
    with pytest.raises(InvalidInput, match="line 2 of urls") as raised:
        _secret_endpoints(path, "f")
    assert (raised.value.reason, url in str(raised.value)) == ("InvalidSecret", False)


def test_a_good_key(tmp_path: Path) -> None:
    path = tmp_path / "id.json"
    path.write_text(json.dumps(list(bytes(WALLET))))
    assert read_keypair(path, "f").pubkey() == ME


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same() -> None:
    async def stubborn() -> None:
        swallowed = 0
        while swallowed < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()
