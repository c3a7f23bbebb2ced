"""kill -9 at any moment, and the same command finishes with every item on the chain exactly once."""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.localnet.harness import Localnet
from mintworks_dev.paths import repository
from support.chain import minted
from support.mintworks import Command, mintworks

EXAMPLE = repository() / "examples" / "genesis"
#: What the runner says while it waits until nothing that it may have signed before can land any more.
WAIT = "blocks until nothing signed by an earlier run can land"


@pytest.fixture
async def chain() -> AsyncIterator[Localnet]:
    async with Localnet(slot_ms=25) as chain:
        yield chain


@pytest.fixture
def command(chain: Localnet, tmp_path: Path) -> list[str | Path]:
    chain_url = f"spec.solana.rpcUrls=[{chain.url}]"
    return ["run", "-f", EXAMPLE, "--state", tmp_path / "state", "--set", "spec.storage=null", "--set", chain_url]


def job(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [job for job in report["jobs"] if job["name"] == name]
    assert isinstance(found, dict)
    return found


async def each_exactly_once(chain: Localnet, report: dict[str, Any]) -> None:
    cid = job(report, "genesis-metadata")["result"]["cid"]
    result = job(report, "genesis-mint")["result"]
    assert (result["items"], result["failed"], result["audit"]) == (100, 0, "ok")
    uris = await asyncio.to_thread(minted, chain.url, result["tree"])
    assert sorted(uris) == sorted(f"ipfs://{cid}/{item}.json" for item in range(100))


async def finish(chain: Localnet, command: list[str | Path]) -> dict[str, Any]:
    """Run it again to its end; the blocks that it waits for come at once."""
    running = await Command.start(*command, "--output", "json")
    await running.until(WAIT)
    chain.advance(400)
    code, text = await running.end()
    assert code == 0, running.lines
    report = json.loads(text)
    assert isinstance(report, dict)
    return report


async def test_killed_at_random_moments(chain: Localnet, command: list[str | Path]) -> None:
    moments = [random.uniform(0, 7) for _ in range(3)]
    for moment in moments:
        running = await Command.start(*command, "--output", "json")
        await asyncio.sleep(moment)
        await running.kill()
    code, report, lines = await mintworks(*command)
    assert code == 0, (moments, report, lines)
    await each_exactly_once(chain, report)


async def test_killed_in_the_middle_of_minting(chain: Localnet, command: list[str | Path]) -> None:
    running = await Command.start(*command, "--output", "json")
    await running.until("transactions under way")
    await running.kill()
    report = await finish(chain, command)
    attempts = job(report, "genesis-mint")["attempts"]
    assert (attempts["made"], attempts["stalls"], attempts["runs"]) == (1, 0, 2)
    assert attempts["last"][0]["reason"] == "Interrupted"
    await each_exactly_once(chain, report)

    code, again, lines = await mintworks(*command)
    assert (code, lines) == (0, [])
    assert again["jobs"] == report["jobs"]


async def test_the_runner_killed_is_another_attempt(chain: Localnet, command: list[str | Path], tmp_path: Path) -> None:
    running = await Command.start(*command, "--output", "json", "--set", "spec.backoff.delay=100ms")
    await running.until("transactions under way")
    pid = int((tmp_path / "state/jobs/default/MintJob/genesis-mint/run.lock").read_text())
    os.kill(pid, signal.SIGKILL)
    await running.until("Backoff")
    assert "SIGKILL" in running.lines[-1]
    await running.until(WAIT)
    chain.advance(400)
    code, text = await running.end()
    assert code == 0, running.lines
    report = json.loads(text)
    assert job(report, "genesis-mint")["attempts"]["made"] == 2
    await each_exactly_once(chain, report)


async def test_asked_to_end_it_stops_at_a_safe_point(chain: Localnet, command: list[str | Path]) -> None:
    # One item at a time: a job whose items all landed while it stopped would have nothing left to wait for.
    command += ["--set", "spec.inFlight=1", "--set", "spec.batchSize=1"]
    running = await Command.start(*command, "--output", "json")
    await running.until("transactions under way")
    running.signal(signal.SIGINT)
    code, text = await running.end(10)
    assert code == 128 + signal.SIGINT
    stopped = job(json.loads(text), "genesis-mint")
    assert (stopped["phase"], stopped["reason"], stopped["attempts"]["made"]) == ("Backoff", "Stopped", 0)
    report = await finish(chain, command)
    await each_exactly_once(chain, report)
