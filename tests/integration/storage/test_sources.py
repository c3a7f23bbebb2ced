"""Sources from a real object store and from a real IPFS node's gateway."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from mintworks_api import Source
from mintworks_dev.ipfs import Kubo
from mintworks_dev.s3 import Versity
from mintworks_runners.core.errors import AttemptFailed, InvalidInput, RunEnded
from mintworks_runners.core.http import FileBody
from mintworks_runners.core.protocol import Environment
from mintworks_runners.core.retry import Backoff
from mintworks_runners.core.sources import SourceReader, Spooled
from mintworks_runners.core.stop import StopSignal
from support.faulty import Fault, Faulty, Rule

from .conftest import REGION, object_at

BODY = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(90_000))
SHA = hashlib.sha256(BODY).hexdigest()
KEY = "in/rows ü+%.csv"
FILES = 9_000
"""So many that Kubo shards their folder in two levels."""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(mounts=tmp_path / "mounts", work=tmp_path / "work")


async def spooled(environment: Environment, source: dict[str, Any]) -> Spooled:
    reader = SourceReader(environment, StopSignal(), backoff=Backoff(tries=5, delay=0.001))
    return await reader.spool(Source.model_validate(source), "rows")


async def failed(environment: Environment, source: dict[str, Any]) -> RunEnded:
    with pytest.raises(RunEnded) as caught:
        await spooled(environment, source)
    return caught.value


@pytest.fixture
async def rows(store: Versity, environment: Environment, tmp_path: Path) -> dict[str, Any]:
    """A source: an object with a name that needs encoding, and the Secret that reading it takes."""
    local = tmp_path / "rows.csv"
    local.write_bytes(BODY)
    async with object_at(store, store.url, KEY) as made:
        await made.bucket.put(KEY, FileBody(local), SHA, {})
    secret = environment.mount("rows.objectStore.secret") / "credentials"
    secret.parent.mkdir(parents=True)
    secret.write_text(store.credentials)
    return {
        "url": f"s3://{store.bucket}/{KEY}",
        "endpoint": store.url,
        "region": REGION,
        "secret": {"name": "s3", "key": "credentials"},
    }


async def test_an_object(environment: Environment, rows: dict[str, Any]) -> None:
    found = await spooled(environment, {"objectStore": rows})
    assert (found.sha256, found.size) == (SHA, len(BODY))


async def test_an_object_over_a_bad_line(environment: Environment, store: Versity, rows: dict[str, Any]) -> None:
    """Every answer is cut in half: each goes on where the last one ended."""
    async with Faulty(store.url) as proxy:
        proxy.rules = [Rule(Fault.BUSY), *(Rule(Fault.TRUNCATED) for _ in range(5))]
        found = await spooled(environment, {"objectStore": {**rows, "endpoint": proxy.url}})
        assert found.sha256 == SHA
        assert sum(answer for answer in proxy.answered) < 2.1 * len(BODY)


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"url": "s3://content/in/absent.csv"}, "SourceUnavailable", "NoSuchKey"),
        ({"url": "s3://absent-bucket/rows.csv"}, "SourceUnavailable", "NoSuchBucket"),
        ({"region": "us-west-2"}, "SourceUnavailable", "region"),
        ({"secret": None}, "SourceRefused", "AccessDenied"),
    ],
)
async def test_an_object_that_cannot_be_read(
    environment: Environment, rows: dict[str, Any], change: dict[str, Any], reason: str, words: str
) -> None:
    error = await failed(environment, {"objectStore": {**rows, **change}})
    assert isinstance(error, AttemptFailed)
    assert error.reason == reason
    assert words in error.message


async def test_other_credentials(environment: Environment, store: Versity, rows: dict[str, Any]) -> None:
    secret = environment.mount("rows.objectStore.secret") / "credentials"
    secret.write_text(store.credentials.replace(store.secret_key, "another-secret-key"))
    error = await failed(environment, {"objectStore": rows})
    assert error.reason == "SourceRefused"
    assert "another-secret-key" not in error.message
    secret.write_text("no credentials")
    assert isinstance(await failed(environment, {"objectStore": rows}), InvalidInput)


def add(kubo: Kubo, name: str, content: bytes, **options: str) -> str:
    """What Kubo itself makes of it; the root."""
    url = f"{kubo.api}/api/v0/add"
    answer = httpx.post(url, params={"cid-version": "1", **options}, files={"file": (name, content)}, trust_env=False)
    root: str = json.loads(answer.text.splitlines()[-1])["Hash"]
    return root


# Whole blocks and parts of one; raw leaves and those of version 0; balanced trees and trickle, of one level and of two.
@pytest.mark.parametrize(
    "options",
    [{}, {"cid-version": "0"}, {"trickle": "true"}, {"chunker": "size-4096"}, {"raw-leaves": "false"}],
    ids=str,
)
async def test_a_file_of_many_blocks(environment: Environment, kubo: Kubo, options: dict[str, str]) -> None:
    cid = add(kubo, "rows.csv", BODY, **options)
    found = await spooled(environment, {"ipfs": {"cid": cid, "gateway": kubo.gateway}})
    assert found.sha256 == SHA


@pytest.fixture(scope="module")
def sharded(kubo: Kubo, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder that Kubo shards, with a folder in it."""
    files = [("file", (f"top/{n}.json", str(n).encode())) for n in range(FILES)]
    files.append(("file", ("top/in/rows ü.csv", BODY)))
    url = f"{kubo.api}/api/v0/add"
    answer = httpx.post(url, params={"cid-version": "1"}, files=files, trust_env=False, timeout=60)
    root: str = json.loads(answer.text.splitlines()[-1])["Hash"]
    return root


async def test_paths_in_a_sharded_folder(environment: Environment, kubo: Kubo, sharded: str) -> None:
    for number in range(0, FILES, 1000):
        source = {"cid": sharded, "path": f"{number}.json", "gateway": kubo.gateway}
        assert (await spooled(environment, {"ipfs": source})).path.read_text() == str(number)
    source = {"cid": sharded, "path": "in/rows ü.csv", "gateway": kubo.gateway}
    assert (await spooled(environment, {"ipfs": source})).sha256 == SHA


@pytest.mark.parametrize("path", ["absent.json", "9000.json", "in", "in/absent", "0.json/x", None])
async def test_paths_that_lead_nowhere(environment: Environment, kubo: Kubo, sharded: str, path: str | None) -> None:
    error = await failed(environment, {"ipfs": {"cid": sharded, "path": path, "gateway": kubo.gateway}})
    assert isinstance(error, InvalidInput)
    assert error.reason == "SourceMissing"


async def test_a_gateway_that_is_cut(environment: Environment, kubo: Kubo) -> None:
    cid = add(kubo, "rows.csv", BODY)
    async with Faulty(kubo.gateway) as proxy:
        proxy.rules = [Rule(fault) for fault in (Fault.BUSY, Fault.CUT, Fault.TRUNCATED, Fault.LOST)]
        found = await spooled(environment, {"ipfs": {"cid": cid, "gateway": proxy.url}})
        assert found.sha256 == SHA
