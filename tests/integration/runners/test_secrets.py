"""Whatever goes wrong, a run tells nobody its wallet's key, the credentials in its endpoints' URLs, or Redis' password.

Nor does it when all goes well.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.localnet.harness import Localnet
from mintworks_runners.core.log import JsonLines
from mintworks_runners.core.stop import StopSignal
from support import relay
from support.minting import BAD_INPUT, DONE, NOT_FINISHED, Minter, MintRuns, stop
from support.redis_server import RedisServer
from support.relay import Relay, page, refusing
from support.runs import Run
from support.specs import METADATA

REDIS_PASSWORD = "s3cret-of-redis-5d1"
METHODS = (
    "getGenesisHash",
    "getSlot",
    "getEpochInfo",
    "getLatestBlockhash",
    "getMultipleAccounts",
    "getBalance",
    "getMinimumBalanceForRentExemption",
    "getSignaturesForAddress",
    "getSignatureStatuses",
    "getTransaction",
    "getRecentPrioritizationFees",
    "simulateTransaction",
    "sendTransaction",
)


def marks(minter: Minter) -> tuple[str, ...]:
    """Every secret of a run, in the notations in which it could turn up."""
    key = bytes(minter.wallet)
    numbers = [", ".join(map(str, key[start : start + 6])) for start in range(0, 32, 6)]
    return (
        *relay.MARKS,
        REDIS_PASSWORD,
        *numbers,
        *(part.replace(" ", "") for part in numbers),
        key.hex()[:24],
        str(minter.wallet)[:24],
    )


def leaks(minter: Minter, *texts: str) -> list[str]:
    """The marks that are in these texts."""
    return [mark for mark in marks(minter) if any(mark in text for text in texts)]


@dataclass
class Job:
    """A MintJob below `root` whose endpoint is named by a Secret alone."""

    root: Path
    minter: Minter
    runs: MintRuns

    @property
    def told(self) -> str:
        """All that the run left for others: its log, its termination message, what it sent."""
        files = [path for path in self.root.rglob("*") if path.is_file()]
        secret = {"wallet.secret", "solana.rpcSecret"}
        told = [path for path in files if not secret & {*path.parts} and path.name != "redis-url"]
        return "\n".join(path.read_text(errors="replace") for path in told)

    async def until_told(self, words: str, process: asyncio.subprocess.Process) -> None:
        """Wait until the log has these words."""
        async with asyncio.timeout(60):
            while words not in self.told:
                assert process.returncode is None, self.told
                self.runs.freeze()
                await asyncio.sleep(0.05)


def mint_job(root: Path, minter: Minter, url: str, hurry: Localnet | None = None, **spec: Any) -> Job:
    runs = MintRuns(root, minter, [], 3, hurry=hurry, **spec)
    runs.run.spec["solana"] = {"rpcSecret": {"name": "rpc", "key": "urls"}, "requestsPerSecond": 500}
    runs.run.mount("solana.rpcSecret/urls", f"# the endpoint\n{url}\n")
    return Job(root, minter, runs)


@asynccontextmanager
async def relayed(answer: Any = None) -> AsyncIterator[tuple[Minter, Relay, Localnet]]:
    minter = Minter()
    async with minter.localnet() as net, Relay(net.url, answer) as found:
        yield minter, found, net


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path / "redis", namespace="default", password=REDIS_PASSWORD).start()
    yield made
    made.stop()


async def test_a_success(tmp_path: Path, server: RedisServer) -> None:
    async with relayed() as (minter, found, net):
        job = mint_job(tmp_path / "job", minter, found.url, net)
        job.runs.run.redis_url = server.url
        assert await job.runs.attempt() == DONE, job.told
        assert '"message": "done"' in job.told
        assert found.asked >= {"sendTransaction", "getSignaturesForAddress"}
        assert leaks(minter, job.told, dump(server)) == []


async def test_an_endpoint_that_refuses(tmp_path: Path) -> None:
    async with relayed(refusing("getEpochInfo")) as (minter, found, _):
        job = mint_job(tmp_path / "job", minter, found.url)
        assert await job.runs.attempt() == NOT_FINISHED
        told = job.runs.run.termination
        assert told["reason"] == "NoHealthyEndpoint"
        # What the node said is told, but for the keys in it.
        assert "no access to http://***@127.0.0.1" in told["message"]
        assert told["message"].count("***") == 5
        assert leaks(minter, job.told) == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [(page(500), "HTTP status 500"), (page(302), "HTTP status 302"), (page(200), "makes no sense")],
    ids=["500", "redirect", "nonsense"],
)
async def test_a_page_that_names_the_url(tmp_path: Path, answer: Any, words: str) -> None:
    async with relayed(answer) as (minter, found, _):
        job = mint_job(tmp_path / "job", minter, found.url)
        process = await job.runs.start()
        await job.until_told(words, process)
        stop(process)
        assert await job.runs.finish(process) == NOT_FINISHED
        assert leaks(minter, job.told) == []


async def test_an_endpoint_that_is_away(tmp_path: Path) -> None:
    async with relayed() as (minter, found, _):
        url = found.url
    job = mint_job(tmp_path / "job", minter, url)
    process = await job.runs.start()
    await job.until_told("ClientConnectorError", process)
    stop(process)
    assert await job.runs.finish(process) == NOT_FINISHED
    assert leaks(minter, job.told) == []


async def test_whatever_is_refused(tmp_path: Path, output: list[str]) -> None:
    """Jobs side by side, each refused one method by a node that names its URL; those that go on are stopped."""
    minter = Minter()
    async with minter.localnet() as net:

        async def refused(method: str) -> Job:
            async with Relay(net.url, refusing(method)) as found:
                tree = {"create": {"capacity": 3, "salt": method}}
                job = mint_job(tmp_path / method, minter, found.url, net, tree=tree)
                ending = StopSignal()
                run = asyncio.create_task(job.runs.here(ending))
                await asyncio.wait([run, found.until_asked(method)], timeout=60, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait([run], timeout=2)
                ending.set()
                await run
                assert method in found.asked, job.told
                return job

        jobs = await asyncio.gather(*map(refused, METHODS))
    assert sum("no access to" in line for line in output) > 0
    assert leaks(minter, *(job.told for job in jobs), *output) == []


@pytest.fixture
def output() -> Iterator[list[str]]:
    """Lines as the process of a run would write them, at the level of debugging."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    handler, root = Keep(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize(
    "content",
    [
        lambda key: json.dumps(key[:63]),
        lambda key: json.dumps(key[:32]),
        lambda key: json.dumps([*key[:63], 999]),
        lambda key: json.dumps({"secret": key}),
        lambda key: json.dumps(key)[:-1],
        lambda key: json.dumps([*key[:63], key[63] ^ 1]),
        lambda key: bytes(key).hex(),
        lambda key: "seed phrase of twelve words that nobody may ever see at all",
    ],
    ids=["63", "32", "999", "object", "cut", "mismatch", "hex", "phrase"],
)
async def test_a_wallet_that_is_none(tmp_path: Path, content: Any, output: list[str]) -> None:
    async with relayed() as (minter, found, _):
        job = mint_job(tmp_path / "job", minter, found.url)
        job.runs.run.mount("wallet.secret/id.json", content(list(bytes(minter.wallet))))
        assert await job.runs.here() == BAD_INPUT
        assert job.runs.run.termination["reason"] == "InvalidSecret"
        assert leaks(minter, job.told, *output) == []
        assert not any("seed phrase" in text for text in (job.told, *output))


@pytest.mark.parametrize(
    "url", [f"ftp://x/{relay.PATH_KEY}", relay.PATH_KEY, f"http://[{relay.PATH_KEY}", f"http://h:{relay.PATH_KEY}/"]
)
async def test_an_endpoint_that_is_none(tmp_path: Path, url: str, output: list[str]) -> None:
    minter = Minter()
    job = mint_job(tmp_path / "job", minter, url)
    assert await job.runs.here() == BAD_INPUT
    assert job.runs.run.termination["reason"] == "InvalidSecret"
    assert leaks(minter, job.told, *output) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("tenant:", "stranger:"), ("@", "/@"), ("127.0.0.1", "127.0.0.2"), ("redis:", "http:")],
    ids=["user", "slash", "host", "scheme"],
)
async def test_a_redis_that_cannot_be_used(
    tmp_path: Path, server: RedisServer, old: str, new: str, output: list[str]
) -> None:
    run = Run(tmp_path / "run", "MetadataJob", {**METADATA, "storage": None}, with_channel=False)
    run.mount("rows/rows.csv", "name,image_filename\nOne,1.png\n")
    run.redis_url = server.url.replace(old, new)
    assert await run.here() == DONE
    assert any("channel away" in line for line in output)
    assert leaks(Minter(), *output, json.dumps(dict(run.termination))) == []


async def test_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: list[str]) -> None:
    """A traceback quotes what was at hand."""

    def broken(self: object, url: str) -> Mapping[str, Any]:
        raise RuntimeError(f"{url} {url!r} of {minter.wallet} {list(bytes(minter.wallet))}")

    async with relayed() as (minter, found, _):
        job = mint_job(tmp_path / "job", minter, found.url)
        monkeypatch.setattr("mintworks_runners.mint.rpc.pool.Pool.open", lambda _self, _: broken(_self, found.url))
        assert await job.runs.here() == 1
        assert job.runs.run.termination["reason"] == "Unexpected"
        assert any("Traceback" in line for line in output)
        assert leaks(minter, job.told, *output) == []


def dump(server: RedisServer) -> str:
    """Everything that Redis holds."""
    client: Any = server.client
    held = []
    for key in client.scan_iter():
        read = {"stream": client.xrange, "list": lambda k: client.lrange(k, 0, -1)}.get(client.type(key), client.get)
        held.append(f"{key} {read(key)}")
    return "\n".join(held)
