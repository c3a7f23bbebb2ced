"""What counts as a mint, on transactions as getTransaction answers them."""

import base64
from typing import Any

import base58
import pytest
from mintworks_runners.mint.extract import UnreadableTransactionError, read_transaction
from mintworks_runners.solana.instructions import CreateTree, Mint
from mintworks_runners.solana.leaf import Leaf
from mintworks_runners.solana.metadata import MetadataArgs
from mintworks_runners.solana.programs import BUBBLEGUM, NOOP, tree_authority
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

WALLET = Keypair.from_seed(bytes([5]) * 32)
PAYER = WALLET.pubkey()
TREE = Pubkey.from_bytes(bytes([9]) * 32)
OTHER_TREE = Pubkey.from_bytes(bytes([8]) * 32)
CALLER = Pubkey.from_bytes(bytes([7]) * 32)


def mint(number: int, tree: Pubkey = TREE) -> Mint:
    return Mint(tree, PAYER, PAYER, PAYER, PAYER, MetadataArgs(f"n{number}", "S", f"ipfs://x/{number}.json", 0))


class Answer:
    """An answer of getTransaction, built call by call."""

    def __init__(self, *instructions: Instruction) -> None:
        self._message = Message(list(instructions), PAYER)
        self._wire = bytes(Transaction([WALLET], self._message, Hash.default()))
        self._inner: dict[int, list[dict[str, Any]]] = {}
        self.loaded: list[Pubkey] = []
        self.error: Any = None

    def inner(self, outer: int, program: Pubkey, data: bytes, accounts: list[Pubkey], height: int | None) -> "Answer":
        keys = [*self._message.account_keys, *self.loaded]
        call: dict[str, Any] = {
            "programIdIndex": keys.index(program),
            "accounts": [keys.index(account) for account in accounts],
            "data": base58.b58encode(data).decode(),
        }
        if height is not None:
            call["stackHeight"] = height
        self._inner.setdefault(outer, []).append(call)
        return self

    def json(self) -> dict[str, Any]:
        keys = len(self._message.account_keys) + len(self.loaded)
        return {
            "slot": 77,
            "transaction": [base64.b64encode(self._wire).decode(), "base64"],
            "meta": {
                "err": self.error,
                "fee": 5000,
                "innerInstructions": [{"index": i, "instructions": calls} for i, calls in self._inner.items()],
                "loadedAddresses": {"writable": [str(key) for key in self.loaded], "readonly": []},
                "preBalances": [10] * keys,
                "postBalances": [10 + place for place in range(keys)],
            },
        }


def accounts(instruction: Instruction) -> list[Pubkey]:
    return [meta.pubkey for meta in instruction.accounts]


def numbers(answer: Answer, tree: Pubkey = TREE) -> list[int]:
    return [fact.nonce for fact in read_transaction(answer.json(), "s", tree).mints]


def test_a_mint_and_all_that_is_told_of_it() -> None:
    answer = Answer(mint(4).instruction()).inner(0, NOOP, mint(4).leaf(3).event(), [], 2)
    fact = read_transaction(answer.json(), "s", TREE)
    (found,) = fact.mints
    assert (fact.slot, fact.payer, fact.fee, fact.rent, fact.error) == (77, PAYER, 5000, 0, None)
    assert (found.nonce, found.uri, found.owner, found.tree_delegate) == (3, "ipfs://x/4.json", PAYER, PAYER)
    assert found.leaf_hash == mint(4).leaf(3).hash()


def test_several_mints_in_one_transaction() -> None:
    answer = Answer(mint(0).instruction(), mint(1).instruction())
    answer.inner(0, NOOP, mint(0).leaf(5).event(), [], 2).inner(1, NOOP, mint(1).leaf(6).event(), [], 2)
    assert numbers(answer) == [5, 6]


def test_an_old_node_without_stack_heights() -> None:
    assert numbers(Answer(mint(0).instruction()).inner(0, NOOP, mint(0).leaf(0).event(), [], None)) == [0]


def by_cpi(noop_height: int) -> Answer:
    inside = mint(0).instruction()
    metas = [AccountMeta(BUBBLEGUM, is_signer=False, is_writable=False), *inside.accounts]
    answer = Answer(Instruction(CALLER, b"call", metas))
    answer.inner(0, BUBBLEGUM, bytes(inside.data), accounts(inside), 2)
    return answer.inner(0, NOOP, mint(0).leaf(0).event(), [], noop_height)


def test_a_mint_by_cpi() -> None:
    assert numbers(by_cpi(3)) == [0]


@pytest.mark.parametrize("height", [2, 4])
def test_an_event_that_the_mint_did_not_call_itself_is_forged(height: int) -> None:
    assert numbers(by_cpi(height)) == []


def test_a_noop_call_beside_a_mint_is_forged() -> None:
    forged = Instruction(NOOP, mint(0).leaf(9).event(), [])
    assert numbers(Answer(mint(0).instruction(), forged)) == []


def test_an_event_of_another_leaf_is_no_proof_of_the_mint() -> None:
    assert numbers(Answer(mint(0).instruction()).inner(0, NOOP, mint(1).leaf(0).event(), [], 2)) == []


def test_a_transfers_event_is_no_mint() -> None:
    event = mint(0).leaf(0)
    moved = Leaf(event.asset_id, CALLER, CALLER, 0, event.data_hash, event.creator_hash)
    transfer = Instruction(BUBBLEGUM, b"transfer" + bytes(80), mint(0).instruction().accounts)
    assert numbers(Answer(transfer).inner(0, NOOP, moved.event(), [], 2)) == []


def test_another_tree() -> None:
    instruction = mint(0, OTHER_TREE).instruction()
    metas = [*instruction.accounts, AccountMeta(TREE, is_signer=False, is_writable=False)]
    answer = Answer(Instruction(BUBBLEGUM, bytes(instruction.data), metas))
    answer.inner(0, NOOP, mint(0, OTHER_TREE).leaf(0).event(), [], 2)
    assert numbers(answer) == []
    assert numbers(answer, OTHER_TREE) == [0]


def test_a_failed_transaction_minted_nothing_and_cost_its_fee() -> None:
    answer = Answer(mint(0).instruction()).inner(0, NOOP, mint(0).leaf(0).event(), [], 2)
    answer.error = {"InstructionError": [0, {"Custom": 6017}]}
    fact = read_transaction(answer.json(), "s", TREE)
    assert (fact.mints, fact.fee, fact.error) == ((), 5000, '{"InstructionError": [0, {"Custom": 6017}]}')


def test_accounts_from_lookup_tables_come_from_the_answer() -> None:
    inside = mint(0).instruction()
    static = [AccountMeta(key, is_signer=False, is_writable=True) for key in {*accounts(inside), BUBBLEGUM} - {TREE}]
    answer = Answer(Instruction(CALLER, b"", static))
    answer.loaded = [TREE]
    answer.inner(0, BUBBLEGUM, bytes(inside.data), accounts(inside), 2)
    answer.inner(0, NOOP, mint(0).leaf(0).event(), [], 3)
    assert numbers(answer) == [0]


def test_the_rent_of_the_tree_is_told_where_it_was_made() -> None:
    created = CreateTree(TREE, PAYER, PAYER, 3, 8).instruction()
    answer = Answer(created)
    keys = Message([created], PAYER).account_keys
    fact = read_transaction(answer.json(), "s", TREE)
    assert fact.rent == keys.index(TREE) + keys.index(tree_authority(TREE))


@pytest.mark.parametrize("part", ["meta", "transaction", "slot"])
def test_an_answer_with_a_part_missing_is_unreadable(part: str) -> None:
    answer = Answer(mint(0).instruction()).json()
    del answer[part]
    with pytest.raises(UnreadableTransactionError):
        read_transaction(answer, "s", TREE)
