"""Whole MetadataJobs, as the process that a pod starts: to each storage, killed, refused, with bad Secrets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.s3 import Versity
from mintworks_runners.core.protocol import Dependency
from mintworks_runners.metadata.recompute import from_dependency
from support.faulty import Fault, Faulty, Rule
from support.pinata import JWT, PinataServer
from support.runs import Run
from support.specs import METADATA

from .conftest import REGION

ROWS = "name,image_filename\n" + "".join(f"Item {number},{number}.png\n" for number in range(50))
ENTRY = {"name": "s3", "key": "credentials"}
LOUD = "the-wrong-secret-key-771"


def s3(store: Versity, endpoint: str, key: str) -> dict[str, Any]:
    return {"url": f"s3://{store.bucket}/{key}", "endpoint": endpoint, "region": REGION, "secret": ENTRY}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path, "MetadataJob", {**METADATA})
    made.mount("rows/rows.csv", ROWS)
    return made


def to_object(run: Run, store: Versity, endpoint: str) -> str:
    """Let the run write its CAR to the store; where."""
    key = f"{run.root.name}/cars/folder.car"
    run.spec["storage"] = {"car": {"objectStore": s3(store, endpoint, key)}}
    run.mount("storage.car.objectStore.secret/credentials", store.credentials)
    return key


def to_pinata(run: Run, url: str, jwt: str = JWT) -> None:
    run.spec["storage"] = {"pinata": {"secret": {"name": "p", "key": "jwt"}, "apiUrl": url, "uploadUrl": url}}
    run.mount("storage.pinata.secret/jwt", jwt)


def told(run: Run) -> str:
    """All that the run left for others, its Secrets apart."""
    files = [path for path in run.root.rglob("*") if path.is_file() and "mounts" not in path.parts]
    return "\n".join(path.read_text(errors="replace") for path in files)


async def test_rows_from_a_store_and_the_car_to_one(run: Run, store: Versity, tmp_path: Path) -> None:
    """And a MintJob, which has of the other job's Secrets the one that its rows take, makes the same folder of them."""
    source = store.folder / "in" / f"{tmp_path.name}.csv"
    source.parent.mkdir(exist_ok=True)
    source.write_text(ROWS)
    rows = {"objectStore": s3(store, store.url, f"in/{source.name}")}
    run.spec["rows"] = rows
    run.mount("rows.objectStore.secret/credentials", store.credentials)
    key = to_object(run, store, store.url)
    assert await run.here() == 0
    result = run.termination["result"]
    assert (store.folder / key).read_bytes() == (run.root / "work" / "metadata.car").read_bytes()
    assert run.messages[-1]["items"]["done"] == 50
    assert store.secret_key not in told(run)

    mint = Run(tmp_path / "mint", "MintJob", {})
    mint.mount("dependencies/meta/rows.objectStore.secret/credentials", store.credentials)
    meta = Dependency("meta", "MetadataJob", "uid", run.spec, {}, result)
    assert (await from_dependency(mint.context(), meta)).cid == result["cid"]


async def finished(run: Run) -> int:
    process = run.start()
    out, _ = await asyncio.to_thread(process.communicate, timeout=60)
    (run.root / "log").write_text(out)
    return process.returncode


async def test_a_process_that_is_killed_while_it_writes(run: Run, store: Versity) -> None:
    """Before the store has it, and after. At every other request: test_faults.py."""
    async with Faulty(store.url) as proxy:
        key = to_object(run, store, proxy.url)
        for at, carried_out in ((1, False), (1, True)):
            (store.folder / key).unlink(missing_ok=True)
            proxy.asked.clear()
            proxy.passed.clear()
            process = run.start()

            def kill(number: int, at: int = at, pid: Any = process) -> bool:
                if number == at:
                    pid.kill()
                return number != at

            proxy.before, proxy.after = (lambda n: True, kill) if carried_out else (kill, lambda n: None)
            await asyncio.to_thread(process.communicate, timeout=60)
            proxy.before, proxy.after = lambda n: True, lambda n: None
            assert process.returncode == -9
            assert await finished(run) == 0
            assert len(proxy.carried("PUT", key)) == 1
            assert (store.folder / key).is_file()


async def test_a_fault_that_stays_is_an_attempt_that_failed(run: Run, store: Versity) -> None:
    async with Faulty(store.url) as proxy:
        key = to_object(run, store, proxy.url)
        proxy.rules = [Rule(Fault.CUT, "PUT", times=100)]
        assert await finished(run) == 1
        assert run.termination["reason"] == "StorageUnavailable"
        assert "result" not in run.termination
        assert not (store.folder / key).exists()
        proxy.rules.clear()
        assert await finished(run) == 0


async def test_pinata(run: Run) -> None:
    async with PinataServer() as account:
        to_pinata(run, account.url)
        assert await finished(run) == 0
        cid = run.termination["result"]["cid"]
        assert [file["cid"] for file in account.files.values()] == [cid]
        received = account.received
        assert await finished(run) == 0
        assert account.received == received
        assert JWT not in told(run)


async def test_a_token_that_is_refused(run: Run) -> None:
    jwt = f"{LOUD}.bbbb.cccc"
    async with PinataServer() as account:
        to_pinata(run, account.url, jwt)
        assert await finished(run) == 1
    assert run.termination["reason"] == "StorageRefused"
    assert LOUD not in told(run)


@pytest.mark.parametrize("frozen", [False, True])
async def test_a_secret_that_is_none_is_bad_input_whenever(run: Run, store: Versity, frozen: bool) -> None:
    to_object(run, store, store.url)
    if frozen:
        assert await run.here() == 0
        result = run.termination["result"]
        run.inputs = {name: result[name] for name in ("rowsSha256", "items", "cid")}
    run.mount("storage.car.objectStore.secret/credentials", f"[default]\naws_secret = {LOUD}\n")
    assert await finished(run) == 64
    assert run.termination["reason"] == "InvalidSecret"
    assert json.dumps(run.termination["errors"]).count("storage.car.objectStore.secret") == 1
    assert LOUD not in told(run)
