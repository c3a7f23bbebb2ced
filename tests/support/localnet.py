"""Transactions for tests of the localnet, and a client that shows the whole JSON."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import httpx
from mintworks_dev.localnet.genesis import EXAMPLE_COLLECTION, EXAMPLE_WALLET
from mintworks_runners.solana.budget import budget_instructions
from mintworks_runners.solana.instructions import CollectionAccounts, CreateTree, Mint
from mintworks_runners.solana.metadata import Collection, Creator, MetadataArgs
from mintworks_runners.solana.programs import COMPRESSION
from mintworks_runners.solana.tree import TreeSize
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.transaction import VersionedTransaction

WALLET = EXAMPLE_WALLET
SMALL = TreeSize(5, 8, 0)


def signed(instructions: Sequence[Instruction], blockhash: Hash | str, *others: Keypair) -> bytes:
    """A v0 transaction that the example's wallet pays."""
    found = Hash.from_string(blockhash) if isinstance(blockhash, str) else blockhash
    message = MessageV0.try_compile(WALLET.pubkey(), list(instructions), [], found)
    return bytes(VersionedTransaction(message, [WALLET, *others]))


def pay(receiver: Pubkey, lamports: int) -> Instruction:
    """A transfer from the wallet."""
    return transfer(TransferParams(from_pubkey=WALLET.pubkey(), to_pubkey=receiver, lamports=lamports))


def new_tree(tree: Keypair, size: TreeSize = SMALL, *, public: bool = False) -> list[Instruction]:
    """The instructions that create a tree of the wallet's."""
    wallet = WALLET.pubkey()
    account = create_account(
        CreateAccountParams(
            from_pubkey=wallet,
            to_pubkey=tree.pubkey(),
            lamports=size.rent,
            space=size.account_bytes,
            owner=COMPRESSION,
        )
    )
    create = CreateTree(tree.pubkey(), wallet, wallet, size.max_depth, size.max_buffer_size, public)
    return [*budget_instructions(1_000_000, 0), account, create.instruction()]


def mint_of(tree: Pubkey, number: int, *, collection: bool = False, owner: Pubkey | None = None) -> Mint:
    """Item `number` for the wallet, or for `owner`."""
    wallet = WALLET.pubkey()
    args = MetadataArgs(
        name=f"Item #{number}",
        symbol="GEN",
        uri=f"ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/{number}.json",
        seller_fee_basis_points=500,
        collection=Collection(EXAMPLE_COLLECTION.pubkey(), verified=False) if collection else None,
        creators=(Creator(wallet, verified=True, share=100),),
    )
    into = CollectionAccounts(EXAMPLE_COLLECTION.pubkey(), wallet) if collection else None
    receiver = owner or wallet
    return Mint(tree, receiver, receiver, wallet, wallet, args, into)


class Rpc:
    """A JSON-RPC client of one endpoint."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.AsyncClient(timeout=30, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def post(self, body: object) -> httpx.Response:
        return await self._client.post(self.url, json=body)

    async def answer(self, method: str, *params: object) -> dict[str, Any]:
        """The whole answer."""
        reply = await self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)})
        answer: dict[str, Any] = reply.json()
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", 7)
        return answer

    async def call(self, method: str, *params: object) -> Any:
        """The result."""
        answer = await self.answer(method, *params)
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, *params: object) -> dict[str, Any]:
        """The error."""
        error: dict[str, Any] = (await self.answer(method, *params))["error"]
        return error

    async def blockhash(self, commitment: str = "processed") -> str:
        """The newest blockhash."""
        found = await self.call("getLatestBlockhash", {"commitment": commitment})
        return str(found["value"]["blockhash"])

    async def send(self, raw: bytes, **config: object) -> str:
        """Sends without preflight, and gives the signature."""
        settings = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0, **config}
        return str(await self.call("sendTransaction", base64.b64encode(raw).decode(), settings))

    async def status(self, signature: str) -> dict[str, Any] | None:
        """The status, from the whole history."""
        found = await self.call("getSignatureStatuses", [signature], {"searchTransactionHistory": True})
        status: dict[str, Any] | None = found["value"][0]
        return status
