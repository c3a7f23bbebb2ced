"""What others do to a job's tree: transactions of another tool, of another program, of a liar."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

from mintworks_dev.localnet.programs import proxy
from mintworks_runners.mint.extract import read_transaction
from mintworks_runners.mint.facts import MintFact
from mintworks_runners.solana.instructions import Mint, decode_mint, is_mint
from mintworks_runners.solana.keccak import keccak
from mintworks_runners.solana.leaf import Leaf, creator_hash
from mintworks_runners.solana.metadata import Creator, MetadataArgs
from mintworks_runners.solana.programs import BUBBLEGUM, COMPRESSION, NOOP, SYSTEM, anchor_discriminator, tree_authority
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from support import chain
from support.minting import Minter


def mint(minter: Minter, tree: str, uri: str, owner: Pubkey | None = None) -> Instruction:
    """A mint without a collection, as another tool would make it."""
    wallet = minter.wallet.pubkey()
    args = MetadataArgs("Stranger", "STR", uri, 0)
    return Mint(Pubkey.from_string(tree), owner or wallet, owner or wallet, wallet, wallet, args).instruction()


def by_another_program(instruction: Instruction) -> Instruction:
    """The same, called by a program that is not Bubblegum."""
    called = AccountMeta(instruction.program_id, is_signer=False, is_writable=False)
    return Instruction(proxy.ID, instruction.data, [called, *instruction.accounts])


def forged_event(tree: str, nonce: int) -> Instruction:
    """A log entry as a mint of this number would write it, by somebody who only mentions the tree."""
    key = Pubkey.from_string(tree)
    event = Leaf(Pubkey.default(), key, key, nonce, bytes(32), bytes(32)).event()
    return Instruction(NOOP, event, [AccountMeta(key, is_signer=False, is_writable=False)])


async def another_item(url: str, tree: str, name: str, uri: str) -> Instruction:
    """The mint of an item as the job itself would make it, after the model of one that is on the chain."""
    for answer in await asyncio.to_thread(chain.transactions, url, tree):
        transaction = VersionedTransaction.from_bytes(base64.b64decode(answer["transaction"][0]))
        keys = transaction.message.account_keys
        for one in transaction.message.instructions:
            if keys[one.program_id_index] == BUBBLEGUM and is_mint(bytes(one.data)):
                model = decode_mint(bytes(one.data), [keys[place] for place in one.accounts])
                return replace(model, args=replace(model.args, name=name, uri=uri)).instruction()
    raise AssertionError("nothing is minted yet")


async def leaves(url: str, tree: str) -> list[MintFact]:
    """The tree's mints by their numbers."""
    answers: list[Any] = await asyncio.to_thread(chain.transactions, url, tree)
    key = Pubkey.from_string(tree)
    facts = [mint for answer in answers for mint in read_transaction(answer, "", key).mints]
    return sorted(facts, key=lambda fact: fact.nonce)


def give_away(minter: Minter, tree: str, minted: list[MintFact], to: Pubkey, proof_length: int) -> Instruction:
    """Bubblegum's transfer of the tree's first leaf, with its proof (what the canopy leaves of it) computed from all
    leaves.
    """
    nodes, proof, empty = [leaf.leaf_hash for leaf in minted], [], bytes(32)
    for _ in range(proof_length):
        padded = [*nodes, *([empty] * (2 - len(nodes) % 2))]
        proof.append(padded[1])
        nodes = [keccak(padded[i] + padded[i + 1]) for i in range(0, len(padded) - 1, 2)]
        empty = keccak(empty + empty)
    root = nodes[0]
    creators = creator_hash((Creator(minter.wallet.pubkey(), verified=True, share=100),))
    data = anchor_discriminator("transfer") + root + minted[0].data_hash + creators + bytes(8) + bytes(4)
    owner, key = minter.wallet.pubkey(), Pubkey.from_string(tree)
    metas = [
        AccountMeta(tree_authority(key), is_signer=False, is_writable=False),
        AccountMeta(owner, is_signer=True, is_writable=False),
        AccountMeta(owner, is_signer=False, is_writable=False),
        AccountMeta(to, is_signer=False, is_writable=False),
        AccountMeta(key, is_signer=False, is_writable=True),
        *(AccountMeta(program, is_signer=False, is_writable=False) for program in (NOOP, COMPRESSION, SYSTEM)),
        *(AccountMeta(Pubkey.from_bytes(node), is_signer=False, is_writable=False) for node in proof),
    ]
    return Instruction(BUBBLEGUM, data, metas)
