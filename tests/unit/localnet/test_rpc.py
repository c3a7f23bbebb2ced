"""The RPC's methods as pure functions: shapes, commitments, errors."""

from __future__ import annotations

import base64
import json
from typing import Any

import base58
import pytest
from mintworks_dev.localnet.chain import Chain
from mintworks_dev.localnet.faults import Dice, EndpointFaults, NetworkFaults
from mintworks_dev.localnet.genesis import EXAMPLE_COLLECTION, default_genesis
from mintworks_dev.localnet.network import Network
from mintworks_dev.localnet.rpc.dispatch import METHODS, answer
from mintworks_dev.localnet.rpc.node import Node
from mintworks_runners.solana.budget import budget_instructions
from mintworks_runners.solana.programs import NOOP, SYSTEM, metadata_account, tree_authority
from mintworks_runners.solana.tree import TreeSize, decode_config
from solders.hash import Hash
from solders.instruction import CompiledInstruction, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageHeader, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import Transaction, VersionedTransaction
from support.localnet import WALLET, mint_of, new_tree, pay, signed

TREE = Keypair.from_seed(bytes([7]) * 32)
RENT = 890_880


class Client:
    """Asks a node without any socket."""

    def __init__(self) -> None:
        dice = Dice(0)
        self.chain = Chain(default_genesis("rpc"), time=1_000)
        self.faults = EndpointFaults()
        self.network = Network(self.chain, dice, NetworkFaults())
        self.node = Node("primary", self.network, self.faults, dice, slot_ms=400)
        self.node.now = 1_000

    def whole(self, method: str, *params: object) -> dict[str, Any]:
        request = {"jsonrpc": "2.0", "id": 3, "method": method, "params": list(params)}
        reply: dict[str, Any] = json.loads(answer(self.node, json.dumps(request).encode())[0])
        assert (reply["jsonrpc"], reply["id"]) == ("2.0", 3)
        return reply

    def call(self, method: str, *params: object) -> Any:
        reply = self.whole(method, *params)
        assert "result" in reply, reply
        return reply["result"]

    def code(self, method: str, *params: object) -> int:
        return int(self.whole(method, *params)["error"]["code"])

    def value(self, method: str, *params: object) -> Any:
        return self.call(method, *params)["value"]

    def send(self, *instructions: Instruction, signers: tuple[Keypair, ...] = ()) -> str:
        raw = signed(instructions, Hash(self.chain.last.blockhash), *signers)
        config = {"encoding": "base64", "skipPreflight": True}
        return str(self.call("sendTransaction", base64.b64encode(raw).decode(), config))

    def slots(self, count: int) -> None:
        for _ in range(count):
            self.network.seal(1_000)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def minted(client: Client) -> Client:
    """A tree with two mints, one of them into the collection, 40 slots ago."""
    client.send(*new_tree(TREE), signers=(TREE,))
    client.send(*budget_instructions(1_000_000, 5), mint_of(TREE.pubkey(), 0).instruction())
    client.slots(1)
    client.send(*budget_instructions(1_000_000, 9), mint_of(TREE.pubkey(), 1, collection=True).instruction())
    client.slots(40)
    return client


def test_slots_heights_and_epoch(client: Client) -> None:
    client.slots(99)
    assert client.call("getSlot", {"commitment": "processed"}) == 100
    assert client.call("getSlot", {"commitment": "confirmed"}) == 99
    assert client.call("getSlot") == 68
    assert client.call("getBlockHeight", {"commitment": "processed"}) == 100
    info = client.call("getEpochInfo", {"commitment": "finalized"})
    assert (info["absoluteSlot"], info["blockHeight"], info["epoch"]) == (68, 68, 0)
    assert client.code("getSlot", {"commitment": "soon"}) == -32602


def test_min_context_slot(client: Client) -> None:
    error = client.whole("getSlot", {"commitment": "processed", "minContextSlot": 5})["error"]
    assert (error["code"], error["data"]) == (-32016, {"contextSlot": 1})
    client.slots(4)
    assert client.call("getSlot", {"commitment": "processed", "minContextSlot": 5}) == 5


def test_blockhashes(client: Client) -> None:
    client.slots(10)
    old = client.value("getLatestBlockhash", {"commitment": "confirmed"})
    assert old["lastValidBlockHeight"] == client.chain.view("confirmed").sealed.height + 150
    assert client.value("isBlockhashValid", old["blockhash"], {"commitment": "processed"})
    client.slots(149)
    assert client.value("isBlockhashValid", old["blockhash"], {"commitment": "processed"}) is True
    client.slots(1)
    assert client.value("isBlockhashValid", old["blockhash"], {"commitment": "processed"}) is False


def test_a_fee(client: Client) -> None:
    def message() -> str:
        instructions = [*budget_instructions(200_000, 1_000_000), pay(TREE.pubkey(), RENT)]
        blockhash = Hash(client.chain.view("finalized").sealed.blockhash)
        return base64.b64encode(bytes(Message.new_with_blockhash(instructions, WALLET.pubkey(), blockhash))).decode()

    known = message()
    assert client.value("getFeeForMessage", known) == 205_000
    client.slots(200)
    assert client.value("getFeeForMessage", known) is None


def test_accounts(minted: Client) -> None:
    wallet, tree = str(WALLET.pubkey()), str(TREE.pubkey())
    assert minted.value("getBalance", wallet) < 100 * 10**9
    shown = minted.value("getAccountInfo", tree, {"encoding": "base64", "dataSlice": {"offset": 56, "length": 8}})
    assert base64.b64decode(shown["data"][0]) == (2).to_bytes(8, "little")
    assert shown["space"] == TreeSize(5, 8).account_bytes
    metadata = str(metadata_account(EXAMPLE_COLLECTION.pubkey()))
    config = str(tree_authority(TREE.pubkey()))
    several = minted.value("getMultipleAccounts", [metadata, str(Pubkey.default()), config], {"encoding": "base64"})
    assert [account and account["space"] for account in several] == [679, 0, 96]
    assert decode_config(base64.b64decode(several[2]["data"][0])).num_minted == 2
    assert minted.value("getAccountInfo", str(Keypair().pubkey())) is None
    assert minted.code("getAccountInfo", metadata) == -32600
    assert (
        minted.value("getAccountInfo", config)["data"]
        == base58.b58encode(base64.b64decode(several[2]["data"][0])).decode()
    )
    assert minted.code("getBalance", "no address") == -32602
    assert minted.code("getMultipleAccounts", [wallet] * 101) == -32602
    assert minted.call("getMinimumBalanceForRentExemption", 96) == 1_559_040


def test_accounts_at_each_commitment(client: Client) -> None:
    receiver = str(Keypair().pubkey())
    client.slots(50)
    client.send(pay(Pubkey.from_string(receiver), RENT))
    seen = {name: client.value("getBalance", receiver, {"commitment": name}) for name in ("processed", "finalized")}
    assert seen == {"processed": RENT, "finalized": 0}


def test_preflight(client: Client) -> None:
    client.slots(40)

    def send(raw: bytes, **config: object) -> dict[str, Any]:
        return client.whole("sendTransaction", base64.b64encode(raw).decode(), {"encoding": "base64", **config})

    finalized = Hash(client.chain.view("finalized").sealed.blockhash)
    poor = send(signed([pay(TREE.pubkey(), 10**15)], finalized))["error"]
    assert poor["code"] == -32002
    assert poor["message"] == (
        "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1"
    )
    assert poor["data"]["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert poor["data"]["logs"][1].startswith("Transfer: insufficient lamports")
    newest = signed([pay(TREE.pubkey(), RENT)], Hash(client.chain.last.blockhash))
    assert send(newest)["error"]["message"] == "Transaction simulation failed: Blockhash not found"
    assert "result" in send(newest, preflightCommitment="processed")
    client.slots(1)
    again = send(newest, preflightCommitment="processed")["error"]
    assert (again["data"]["err"], again["code"]) == ("AlreadyProcessed", -32002)
    assert "result" in send(newest, skipPreflight=True)


def test_broken_transactions(client: Client) -> None:
    raw = bytearray(signed([pay(TREE.pubkey(), RENT)], Hash(client.chain.last.blockhash)))
    raw[5] ^= 1
    text = base64.b64encode(bytes(raw)).decode()
    assert client.code("sendTransaction", text, {"encoding": "base64"}) == -32003
    signature = client.call("sendTransaction", text, {"encoding": "base64", "skipPreflight": True})
    client.slots(1)
    assert client.value("getSignatureStatuses", [signature]) == [None]
    assert client.code("sendTransaction", "AAAA", {"encoding": "base64"}) == -32602
    assert client.code("sendTransaction", "!", {"encoding": "base64"}) == -32602
    assert client.code("sendTransaction", text, {"encoding": "hex"}) == -32602
    assert client.code("sendTransaction", base64.b64encode(bytes(1300)).decode(), {"encoding": "base64"}) == -32602


def test_a_message_that_names_no_account(client: Client) -> None:
    header = MessageHeader(1, 0, 0)
    wild = MessageV0(header, [WALLET.pubkey()], Hash.default(), [CompiledInstruction(9, b"", b"")], [])
    raw = bytes(VersionedTransaction.populate(wild, [Signature.default()]))
    assert client.code("sendTransaction", base64.b64encode(raw).decode(), {"encoding": "base64"}) == -32602


def test_legacy_transactions_in_base58(client: Client) -> None:
    blockhash = Hash(client.chain.last.blockhash)
    message = Message.new_with_blockhash([pay(TREE.pubkey(), RENT)], WALLET.pubkey(), blockhash)
    raw = bytes(Transaction([WALLET], message, blockhash))
    config = {"preflightCommitment": "processed"}
    signature = client.call("sendTransaction", base58.b58encode(raw).decode(), config)
    client.slots(40)
    assert client.call("getTransaction", signature)["slot"] == 1
    assert "version" not in client.call("getTransaction", signature)
    assert client.call("getTransaction", signature, {"maxSupportedTransactionVersion": 0})["version"] == "legacy"


def test_simulation(minted: Client) -> None:
    raw = signed([*budget_instructions(1_000_000, 0), mint_of(TREE.pubkey(), 5).instruction()], Hash.default())
    text = base64.b64encode(raw).decode()
    missing = minted.value("simulateTransaction", text, {"encoding": "base64"})
    assert (missing["err"], missing["logs"], missing["unitsConsumed"]) == ("BlockhashNotFound", [], 0)
    config: dict[str, Any] = {"encoding": "base64", "replaceRecentBlockhash": True, "innerInstructions": True}
    config["accounts"] = {"addresses": [str(tree_authority(TREE.pubkey()))], "encoding": "base64"}
    done = minted.value("simulateTransaction", text, config)
    assert done["err"] is None
    assert done["unitsConsumed"] > 20_000
    assert [len(group["instructions"]) for group in done["innerInstructions"]] == [3]
    assert decode_config(base64.b64decode(done["accounts"][0]["data"][0])).num_minted == 3
    assert done["replacementBlockhash"]["lastValidBlockHeight"] > 150
    minted.slots(1)
    assert minted.chain.transactions == 3


def test_statuses(minted: Client) -> None:
    known = minted.send(pay(WALLET.pubkey(), 1))
    value = minted.value("getSignatureStatuses", [known, "1" * 64])
    assert value[1] is None
    assert value[0] == {
        "slot": minted.chain.slot,
        "confirmations": 0,
        "err": None,
        "status": {"Ok": None},
        "confirmationStatus": "processed",
    }
    minted.slots(400)
    assert minted.value("getSignatureStatuses", [known]) == [None]
    found = minted.value("getSignatureStatuses", [known], {"searchTransactionHistory": True})
    assert found[0]["confirmationStatus"] == "finalized"
    assert minted.code("getSignatureStatuses", [known] * 257) == -32602


def test_pages_of_a_history(client: Client) -> None:
    receiver = Keypair().pubkey()
    sent = []
    for number in range(7):
        sent.append(client.send(pay(receiver, RENT + number)))
        client.slots(number % 2)
    address = str(receiver)
    assert client.call("getSignaturesForAddress", address) == []
    client.slots(40)
    rows = client.call("getSignaturesForAddress", address)
    assert [row["signature"] for row in rows] == sent[::-1]
    assert rows[0] == {
        "blockTime": 1_000,
        "confirmationStatus": "finalized",
        "err": None,
        "memo": None,
        "signature": sent[-1],
        "slot": client.chain.history.records[next(reversed(client.chain.history.records))].slot,
    }
    page = client.call("getSignaturesForAddress", address, {"limit": 3, "before": sent[5]})
    assert [row["signature"] for row in page] == [sent[4], sent[3], sent[2]]
    until = client.call("getSignaturesForAddress", address, {"until": sent[4]})
    assert [row["signature"] for row in until] == [sent[6], sent[5]]
    assert client.call("getSignaturesForAddress", address, {"before": "1" * 64}) == []
    assert client.code("getSignaturesForAddress", address, {"limit": 1001}) == -32602
    assert client.code("getSignaturesForAddress", address, {"commitment": "processed"}) == -32602
    assert client.code("getSignaturesForAddress", address, {"minContextSlot": 10**6}) == -32016


def test_a_whole_transaction(minted: Client) -> None:
    rows = minted.call("getSignaturesForAddress", str(TREE.pubkey()))
    assert len(rows) == 3
    config = {"maxSupportedTransactionVersion": 0}
    shown = minted.call("getTransaction", rows[0]["signature"], config)
    assert (shown["version"], shown["slot"], shown["blockTime"]) == (0, rows[0]["slot"], 1_000)
    meta, message = shown["meta"], shown["transaction"]["message"]
    keys = message["accountKeys"]
    inner = meta["innerInstructions"]
    assert [(group["index"], [one["stackHeight"] for one in group["instructions"]]) for group in inner] == [
        (2, [2, 2, 3])
    ]
    first = inner[0]["instructions"][0]
    assert keys[first["programIdIndex"]] == str(NOOP)
    assert len(base58.b58decode(first["data"])) == 209
    assert meta["fee"] == 5_000 + 9
    assert meta["preBalances"][0] - meta["postBalances"][0] == meta["fee"]
    assert meta["logMessages"][4] == "Program BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY invoke [1]"
    assert meta["err"] is None
    assert meta["loadedAddresses"] == {"readonly": [], "writable": []}
    encoded = minted.call("getTransaction", rows[0]["signature"], {**config, "encoding": "base64"})
    assert encoded["transaction"][1] == "base64"
    assert minted.code("getTransaction", rows[0]["signature"]) == -32015
    assert minted.call("getTransaction", "1" * 64, config) is None
    assert minted.code("getTransaction", rows[0]["signature"], {**config, "commitment": "processed"}) == -32602


def test_a_transaction_is_there_from_its_commitment_on(client: Client) -> None:
    known = client.send(pay(TREE.pubkey(), RENT))
    config = {"maxSupportedTransactionVersion": 0}
    client.slots(3)
    assert client.call("getTransaction", known, config) is None
    assert client.call("getTransaction", known, {**config, "commitment": "confirmed"})["slot"] == 1
    client.slots(30)
    assert client.call("getTransaction", known, config)["slot"] == 1


def test_blocks(client: Client) -> None:
    known = client.send(pay(TREE.pubkey(), RENT))
    client.network.chain.seal(1_000, skipped=2)
    client.slots(40)
    assert client.call("getBlocks", 0, 6) == [0, 1, 4, 5, 6]
    assert client.call("getBlocks", 5, {"commitment": "confirmed"})[0] == 5
    block = client.call("getBlock", 1, {"maxSupportedTransactionVersion": 0})
    assert block["transactions"][0]["transaction"]["signatures"] == [known]
    assert client.call("getBlock", 4, {"transactionDetails": "signatures"})["previousBlockhash"] == block["blockhash"]
    assert client.call("getBlock", 4, {"transactionDetails": "none"})["parentSlot"] == 1
    assert client.code("getBlock", 2) == -32007
    assert client.code("getBlock", 10_000) == -32004
    assert client.call("getBlockTime", 1) == 1_000
    client.slots(1_300)
    assert client.code("getBlock", 5) == -32001


def test_prioritization_fees(minted: Client) -> None:
    """Answers as Agave's PrioritizationFeeCache does: block minimum, or the minimum of an account above it."""

    def prices(*addresses: Pubkey) -> list[int]:
        shown = minted.call("getRecentPrioritizationFees", [str(key) for key in addresses])
        return [row["prioritizationFee"] for row in shown if row["prioritizationFee"]]

    stranger = Keypair().pubkey()
    assert prices(TREE.pubkey()) == [9]
    minted.send(*budget_instructions(1_000_000, 7), pay(stranger, RENT))
    minted.send(*budget_instructions(1_000_000, 30), mint_of(TREE.pubkey(), 2).instruction())
    minted.send(*budget_instructions(1_000_000, 20), mint_of(TREE.pubkey(), 3, collection=True).instruction())
    assert prices(TREE.pubkey()) == [9], "not confirmed yet"
    minted.slots(3)
    collection = metadata_account(EXAMPLE_COLLECTION.pubkey())
    assert prices() == prices(Keypair().pubkey()) == prices(stranger) == [9, 7]
    assert prices(TREE.pubkey()) == prices(stranger, collection) == [9, 20]
    assert prices(SYSTEM) == [9, 7], "read by all, written by none"
    minted.slots(150)
    assert prices(TREE.pubkey()) == []


def test_airdrops(client: Client) -> None:
    receiver = str(Keypair().pubkey())
    first = client.call("requestAirdrop", receiver, 10**9)
    assert client.call("requestAirdrop", receiver, 10**9) != first
    assert client.value("getBalance", receiver, {"commitment": "processed"}) == 2 * 10**9


def test_the_rest_of_the_methods(minted: Client) -> None:
    assert len(base58.b58decode(minted.call("getGenesisHash"))) == 32
    assert minted.call("getHealth") == "ok"
    assert "solana-core" in minted.call("getVersion")
    assert minted.call("getTransactionCount") == 3
    assert minted.call("getEpochSchedule")["slotsPerEpoch"] == 432_000
    assert minted.call("getRecentPerformanceSamples", 1)[0]["numTransactions"] == 3
    assert minted.call("getRecentPerformanceSamples", 0) == []
    assert minted.call("getFirstAvailableBlock") == minted.call("minimumLedgerSlot") == 0
    assert minted.call("getIdentity")["identity"]
    minted.faults.lag = 200
    assert minted.code("getHealth") == -32005


def test_requests_of_wrong_form(client: Client) -> None:
    def raw(body: bytes) -> Any:
        return json.loads(answer(client.node, body)[0])

    assert raw(b"{")["error"]["code"] == -32700
    assert raw(b"[]")["error"]["code"] == -32600
    assert raw(b"3")["error"]["code"] == -32600
    assert client.code("getMoney") == -32601
    assert client.code("getBalance") == -32602
    assert raw(b'{"jsonrpc":"2.0","id":1,"method":"getSlot","params":{"a":1}}')["error"]["code"] == -32602
    batch = raw(b'[{"jsonrpc":"2.0","id":1,"method":"getSlot"},{"jsonrpc":"2.0","id":2,"method":"x"}]')
    assert [("result" in one, one["id"]) for one in batch] == [(True, 1), (False, 2)]


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("params", [[], [None], [{}], [3], ["x"], [["x"]], ["x", 5], [[], 5], ["x", {"limit": "y"}]])
def test_no_parameters_break_a_method(client: Client, method: str, params: list[Any]) -> None:
    reply = client.whole(method, *params)
    assert "result" in reply or reply["error"]["code"] in (-32602, -32600, -32601, -32004)


def test_the_lagging_twin_sees_the_past(minted: Client) -> None:
    known = minted.send(pay(WALLET.pubkey(), 1))
    minted.slots(10)
    minted.faults.lag = 20
    assert minted.call("getSlot", {"commitment": "processed"}) == minted.chain.slot - 20
    assert minted.value("getSignatureStatuses", [known]) == [None]
    minted.faults.lag = 0
    minted.faults.index_lag = 20
    assert minted.call("getSlot", {"commitment": "processed"}) == minted.chain.slot
    assert minted.value("getSignatureStatuses", [known]) == [None]


def test_hidden_rows_are_the_same_every_time(client: Client) -> None:
    receiver = Keypair().pubkey()
    for number in range(60):
        client.send(pay(receiver, RENT + number))
    client.slots(40)
    client.faults.hidden_rows = 0.3
    rows = client.call("getSignaturesForAddress", str(receiver))
    assert 25 < len(rows) < 58
    assert client.call("getSignaturesForAddress", str(receiver)) == rows
    client.node.name = "twin"
    assert client.call("getSignaturesForAddress", str(receiver)) != rows


def test_transactions_that_are_null_at_first(client: Client) -> None:
    known = client.send(pay(TREE.pubkey(), RENT))
    client.slots(40)
    client.faults.null_transactions, client.faults.null_answers = 1, 2
    config = {"maxSupportedTransactionVersion": 0}
    answers = [client.call("getTransaction", known, config) is None for _ in range(4)]
    assert answers == [True, True, False, False]


def test_a_node_without_history(minted: Client) -> None:
    minted.faults.no_history = True
    tree = str(TREE.pubkey())
    assert minted.code("getSignaturesForAddress", tree) == -32011
    assert minted.code("getTransaction", "1" * 64) == -32011
    assert minted.code("getSignatureStatuses", ["1" * 64], {"searchTransactionHistory": True}) == -32011
    assert minted.value("getSignatureStatuses", ["1" * 64]) == [None]
