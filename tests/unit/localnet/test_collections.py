"""Making a collection NFT: the token programs held to the real ones that LiteSVM brings, and what comes out of it all.

token-metadata itself is not among LiteSVM's programs: its part here is held to the accounts of the genesis, which were
taken from the real program.
"""

from __future__ import annotations

import json

import pytest
from mintworks_dev.localnet.bank import execute
from mintworks_dev.localnet.genesis import EXAMPLE_COLLECTION, default_genesis, mint_data
from mintworks_dev.localnet.ledger import Ledger
from mintworks_dev.localnet.programs import collections
from mintworks_dev.localnet.transaction import parse
from mintworks_runners.solana.budget import LAMPORTS_PER_SIGNATURE, budget_instructions
from mintworks_runners.solana.collection import CollectionMetadata, decode_collection
from mintworks_runners.solana.programs import SYSTEM, TOKEN, edition_account, metadata_account, token_account
from mintworks_runners.solana.tokens import METADATA_BYTES, METADATA_FEE, MINT_BYTES, CollectionNft, collection_rent
from mintworks_runners.solana.tree import rent
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.litesvm import LiteSVM
from solders.system_program import CreateAccountWithSeedParams, create_account_with_seed
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata
from solders.transaction_status import InstructionErrorCustom, TransactionErrorInstructionError
from support.localnet import WALLET, signed

NFT = CollectionNft(WALLET.pubkey(), "seed", "Genesis", "GEN", "https://example.com/genesis.json", 500)
PLACE = token_account(NFT.owner, NFT.mint)


def account() -> Instruction:
    params = CreateAccountWithSeedParams(
        from_pubkey=NFT.owner,
        to_pubkey=NFT.mint,
        base=NFT.owner,
        seed=NFT.seed,
        lamports=rent(MINT_BYTES),
        space=MINT_BYTES,
        owner=TOKEN,
    )
    return create_account_with_seed(params)


class Both:
    """The localnet's bank, and LiteSVM beside it."""

    def __init__(self) -> None:
        self.ledger = Ledger(default_genesis("collections").accounts())
        self.svm = LiteSVM()
        self.svm.airdrop(NFT.owner, 10**12)

    def here(self, *instructions: Instruction) -> str | None:
        """What the localnet's runtime says; changes are kept."""
        budgeted = [*budget_instructions(1_000_000, 0), *instructions]
        done = execute(parse(signed(budgeted, Hash.default())), self.ledger.read, 5)
        self.ledger.write(5, done.changes.items())
        return None if done.error is None else json.dumps(done.error)

    def both(self, *instructions: Instruction) -> str | None:
        """What both say: an error with the same number, and the same accounts of the token program, or it fails."""
        said = self.here(*instructions)
        budgeted = [*budget_instructions(1_000_000, 0), *instructions]
        raw = signed(budgeted, self.svm.latest_blockhash())
        result = self.svm.send_transaction(VersionedTransaction.from_bytes(raw))
        self.svm.expire_blockhash()
        error = result.err() if isinstance(result, FailedTransactionMetadata) else None
        assert (said is None) == (error is None), (said, error)
        if isinstance(error, TransactionErrorInstructionError) and isinstance(error.err, InstructionErrorCustom):
            assert json.loads(said or "")["InstructionError"][1] == {"Custom": error.err.code}
        for key in (NFT.mint, PLACE):
            real, ours = self.svm.get_account(key), self.ledger.read(key)
            there = (ours.lamports, ours.owner, ours.encode())
            assert there == ((0, SYSTEM, b"") if real is None else (real.lamports, real.owner, bytes(real.data))), key
        return said


MINT, PLACING, ONE, METADATA, EDITION = NFT.instructions()


def test_the_token_programs_do_as_the_real_ones() -> None:
    both = Both()
    assert both.both(MINT) is not None  # there is no account yet
    assert both.both(account()) is None
    assert both.both(ONE) is not None
    assert both.both(PLACING) is not None  # not a mint yet
    assert both.both(MINT) is None
    assert both.both(MINT) is not None  # it is one already
    assert both.both(PLACING) is None
    assert both.both(PLACING) is None  # idempotent
    assert both.both(ONE) is None
    assert both.both(ONE) is None  # a second token: nothing forbids it yet
    for kind in (0, 1, 0):  # mint authority, freeze authority, and the first again: it is not ours any more
        data = bytes([6, kind, 1]) + bytes(edition_account(NFT.mint))
        metas = [AccountMeta(NFT.mint, is_signer=False, is_writable=True), AccountMeta(NFT.owner, True, False)]
        both.both(Instruction(TOKEN, data, metas))
    assert both.both(ONE) == '{"InstructionError": [1, {"Custom": 4}]}'


def test_a_collection_is_made_in_one_transaction_for_its_cost() -> None:
    both = Both()
    before = both.ledger.read(NFT.owner).lamports
    assert both.here(account(), *NFT.instructions()) is None
    assert before - both.ledger.read(NFT.owner).lamports == collection_rent() + LAMPORTS_PER_SIGNATURE
    metadata, edition = both.ledger.read(metadata_account(NFT.mint)), both.ledger.read(edition_account(NFT.mint))
    assert decode_collection(metadata.encode()) == CollectionMetadata(
        NFT.owner, NFT.mint, NFT.name, NFT.symbol, NFT.uri, NFT.seller_fee_basis_points
    )
    assert metadata.lamports == rent(METADATA_BYTES) + METADATA_FEE
    # What Bubblegum looks at is what it is in the genesis, whose layouts are the real program's.
    given = Ledger(default_genesis("collections").accounts())
    of_genesis = given.read(metadata_account(EXAMPLE_COLLECTION.pubkey())).encode()
    assert collections._decode(metadata.encode()).token_standard == collections._decode(of_genesis).token_standard
    assert collections._unique_edition(edition.encode())
    assert both.ledger.read(NFT.mint).encode() == mint_data(edition_account(NFT.mint))
    # Both authorities are the edition's now: there will never be a second token.
    assert both.here(ONE) == '{"InstructionError": [1, {"Custom": 4}]}'


@pytest.mark.parametrize(
    ("instructions", "error"),
    [
        pytest.param([METADATA, METADATA], 199, id="metadata twice"),
        pytest.param([METADATA, EDITION, EDITION], 10, id="edition twice: the mint's authority has passed on"),
        pytest.param([METADATA, ONE, EDITION], 16, id="two tokens"),
    ],
)
def test_what_token_metadata_refuses(instructions: list[Instruction], error: int) -> None:
    both = Both()
    assert both.here(account(), MINT, PLACING, ONE) is None
    said = both.here(*instructions)
    assert said is not None
    assert json.loads(said)["InstructionError"][1] == {"Custom": error}


def test_a_master_edition_needs_metadata() -> None:
    both = Both()
    assert both.here(account(), MINT, PLACING, ONE) is None
    assert both.here(EDITION) == '{"InstructionError": [1, "IllegalOwner"]}'
