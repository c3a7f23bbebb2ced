"""A MintJob run again and again as its own process, the way the operator runs it, on a localnet of this process."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mintworks_dev.localnet.harness import Localnet
from mintworks_runners.core.process import run_job
from mintworks_runners.core.protocol import Environment
from mintworks_runners.core.registry import runner_of
from mintworks_runners.core.stop import StopSignal
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.transaction import Transaction

from support import chain
from support.runs import Run
from support.specs import CID

DONE, BAD_INPUT, NOT_FINISHED = 0, 64, 75


class Minter:
    """The keys of a test: a wallet with 50 SOL that may mint into a collection."""

    def __init__(self) -> None:
        self.wallet = Keypair()
        self.collection = Keypair().pubkey()

    def localnet(self, *, slot_ms: int = 25, twin_lag: int = 0, fault_seed: int = 0) -> Localnet:
        """A fresh chain that knows them."""
        return Localnet(
            slot_ms=slot_ms,
            twin_lag=twin_lag,
            fault_seed=fault_seed,
            fund=[(self.wallet.pubkey(), 50)],
            collections=[(self.collection, self.wallet.pubkey())],
        )


class MintRuns:
    """The runs of one MintJob below `root`, with a state directory that survives them.

    With `hurry` slots pass faster while a run only waits for blocks: for tests in which nothing else happens then.
    """

    def __init__(
        self, root: Path, minter: Minter, urls: list[str], items: int, *, hurry: Localnet | None = None, **spec: Any
    ) -> None:
        self.items = items
        self._hurry = hurry
        self.root = root
        self._runs = 0
        self.frozen: dict[str, Any] = {}
        self.run = Run(root, "MintJob", _spec(minter, urls, items) | spec)
        self.run.mount("wallet.secret/id.json", json.dumps(list(bytes(minter.wallet))))
        self.rows = self.run.mount("metadataFrom.manifest/rows.csv", rows(items))

    def _lay_out(self) -> Environment:
        self._runs += 1
        self.run.inputs = self.frozen
        environment = self.run.environment
        for name in ("messages.jsonl", "inputs.json"):
            (self.root / "channel" / name).unlink(missing_ok=True)
        (self.root / "termination").unlink(missing_ok=True)
        environment.spec.write_text(json.dumps(self.run.document))
        return environment

    async def here(self, stop: StopSignal | None = None) -> int:
        """One run in this process; its exit code."""
        environment = self._lay_out()
        if self.run.redis_url:
            environment = replace(environment, state=None)  # as in a cluster
        operator = asyncio.create_task(self._operate())
        try:
            return await run_job(environment, stop or StopSignal(), runner_of)
        finally:
            operator.cancel()

    async def _operate(self) -> None:
        while True:
            self.operate()
            await asyncio.sleep(0.05)

    def _hasten(self) -> None:
        if self._hurry is not None and self.progress().get("step") in {"wait", "close"}:
            self._hurry.advance(10)

    async def start(self) -> asyncio.subprocess.Process:
        """Start one run as a process."""
        environment = self._lay_out()
        names = ("spec", "mounts", "work", "termination", "redis_file", "state", "channel")
        paths = {f"MINTWORKS_{name.upper()}": str(getattr(environment, name)) for name in names}
        if self.run.redis_url:
            # In a cluster there is neither a state directory nor a directory channel; the latter stays for the echo.
            del paths["MINTWORKS_STATE"]
        with (self.root / f"run-{self._runs}.log").open("wb") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "mintworks_runners", env={**os.environ, **paths}, stdout=log, stderr=log
            )

    async def attempt(self, *, within: float = 300) -> int | None:
        """One run to its end; its exit code."""
        return await self.finish(await self.start(), within=within)

    async def finish(self, process: asyncio.subprocess.Process, *, within: float = 300) -> int | None:
        """Play the operator for a started run until it ends."""
        started = time.monotonic()
        try:
            while process.returncode is None:
                self.freeze()
                assert time.monotonic() - started < within, self.log()
                self._hasten()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(process.wait()), 0.05)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode

    async def to_end(self, *, attempts: int = 8, within: float = 300) -> Mapping[str, Any]:
        """Run again as long as runs end with 75, as the operator does; the job's result."""
        return await self.followed_to_end(await self.start(), attempts=attempts, within=within)

    async def followed_to_end(
        self, process: asyncio.subprocess.Process, *, attempts: int = 8, within: float = 300
    ) -> Mapping[str, Any]:
        """Like `to_end`, from a started run on."""
        for attempt in range(attempts):
            if attempt:
                process = await self.start()
            code = await self.finish(process, within=within)
            if code == DONE:
                result: Mapping[str, Any] = self.run.termination["result"]
                return result
            assert code == NOT_FINISHED, (code, self.run.termination, self.log())
        raise AssertionError(f"not done after {attempts} runs: {self.run.termination}")

    def operate(self) -> None:
        """What happens around a run, again and again."""
        self.freeze()
        self._hasten()

    def freeze(self) -> None:
        """What the operator does with inputs: the first ones are frozen and echoed."""
        for message in self.run.messages:
            if message["type"] == "inputs" and not self.frozen:
                self.frozen = message["inputs"]
        if self.frozen:
            part = self.root / "channel" / "inputs.part"
            part.write_text(json.dumps(self.frozen))
            part.replace(self.root / "channel" / "inputs.json")

    def progress(self) -> dict[str, Any]:
        """The newest progress of the present run; empty before the first."""
        told = [message for message in self.run.messages if message["type"] == "progress"]
        return told[-1] if told else {}

    async def until_step(self, step: str, within: float = 180) -> None:
        """Wait until the present run has said that it is at a step; plays the operator meanwhile."""
        await self._until(lambda told: told["step"] == step, step, within)

    async def until_done(self, items: int, within: float = 300) -> None:
        """Wait until the present run has said that so many items are minted; plays the operator meanwhile."""
        await self._until(lambda told: told.get("items", {}).get("done", 0) >= items, f"{items} done", within)

    async def _until(self, reached: Callable[[Mapping[str, Any]], bool], what: str, within: float) -> None:
        deadline = time.monotonic() + within
        while not any(reached(told) for told in self.run.messages if told["type"] == "progress"):
            self.operate()
            assert time.monotonic() < deadline, (what, self.progress(), self.log())
            await asyncio.sleep(0.01)

    def log(self) -> str:
        """The end of the present run's log."""
        return (self.root / f"run-{self._runs}.log").read_text()[-3000:]

    @property
    def tree(self) -> str:
        """The job's tree, once its inputs are frozen."""
        return str(self.frozen["trees"][0])

    async def check(self, url: str, *others: str) -> None:
        """Holds the finalized chain against the items: every uri exactly once, and nothing else but `others`."""
        uris = Counter(await asyncio.to_thread(chain.minted, url, self.tree))
        assert uris == Counter([*(f"ipfs://{CID}/{number}.json" for number in range(self.items)), *others])


async def transact(
    url: str, payer: Keypair, *instructions: Instruction, others: Sequence[Keypair] = (), fails: bool = False
) -> None:
    """Sends a transaction of a stranger to the runner and returns once it is finalized."""
    signature = await asyncio.to_thread(_send, url, [payer, *others], instructions)
    for _ in range(400):
        (status,) = (await asyncio.to_thread(chain.call, url, "getSignatureStatuses", [signature]))["value"]
        if status is not None and status["confirmationStatus"] == "finalized":
            assert (status["err"] is not None) is fails, status
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the transaction did not land")


def _send(url: str, signers: Sequence[Keypair], instructions: tuple[Instruction, ...]) -> str:
    latest = chain.call(url, "getLatestBlockhash", {"commitment": "confirmed"})["value"]["blockhash"]
    message = Message(list(instructions), signers[0].pubkey())
    wire = bytes(Transaction(signers, message, Hash.from_string(latest)))
    options = {"encoding": "base64", "skipPreflight": True}
    return str(chain.call(url, "sendTransaction", base64.b64encode(wire).decode(), options))


def stop(process: asyncio.subprocess.Process) -> None:
    """Ask a run to stop, as the kubelet does."""
    process.send_signal(signal.SIGTERM)


def rows(count: int) -> str:
    """A manifest."""
    return "name\n" + "".join(f"Light #{number}\n" for number in range(count))


def _spec(minter: Minter, urls: list[str], items: int) -> dict[str, Any]:
    wallet = str(minter.wallet.pubkey())
    return {
        "solana": {"rpcUrls": urls, "requestsPerSecond": 500},
        "wallet": {"secret": {"name": "minter", "key": "id.json"}},
        "tree": {"create": {"capacity": items}},
        "collection": {"mint": str(minter.collection)},
        "metadataFrom": {
            "cid": CID,
            "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}},
            "asset": {"symbol": "LGT", "creators": [{"address": wallet, "share": 100}]},
        },
        "recipients": {"default": "wallet"},
        "maxCost": "5",
    }
