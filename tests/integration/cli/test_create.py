"""`mintworks collection create` and `tree create` on a chain of their own, and a drop into what they made."""

import json
from pathlib import Path

from mintworks_dev.localnet.harness import Localnet
from support.minting import DONE, Minter, MintRuns
from support.mintworks import mintworks

ITEMS = 5


def key_file(folder: Path, minter: Minter) -> Path:
    path = folder / "id.json"
    path.write_text(json.dumps(list(bytes(minter.wallet))))
    return path


async def test_a_drop_into_a_collection_made_here(tmp_path: Path) -> None:
    minter = Minter()
    async with Localnet(slot_ms=25, fund=[(minter.wallet.pubkey(), 50)]) as net:
        key = key_file(tmp_path, minter)
        named = ("--name", "Drop", "--symbol", "DRP", "--uri", "https://example.com/drop.json")
        arguments = ("collection", "create", "--wallet", key, "--rpc", net.url, *named)
        code, planned, lines = await mintworks(*arguments, "--dry-run")
        assert (code, planned["exists"], planned["created"]) == (0, False, False), lines
        code, made, lines = await mintworks(*arguments)
        assert (code, made["address"], made["created"]) == (0, planned["address"], True), (made, lines)
        # A second call finds it and pays nothing; another name at the same salt is not what lies there.
        code, again, _ = await mintworks(*arguments)
        assert (code, again["address"], again["created"], again["costLamports"]) == (0, made["address"], False, 0)
        code, refused, _ = await mintworks(*arguments[:-5], "Other", *arguments[-4:])
        assert code == 64
        assert "give another --salt" in refused["problems"][0]["message"]

        # The wallet may mint into it: a job whose audit finds every item there.
        job = MintRuns(tmp_path / "job", minter, [net.url], ITEMS, collection={"mint": made["address"]})
        assert await job.here() == DONE, job.run.termination
        assert job.run.termination["result"]["audit"] == "ok"
        await job.check(net.url)


async def test_a_tree_is_made_once_and_a_job_finds_it(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        key = key_file(tmp_path, minter)
        job = MintRuns(tmp_path / "job", minter, [net.url], ITEMS)
        cid = job.run.spec["metadataFrom"]["cid"]
        base = ("tree", "create", "--wallet", key, "--rpc", net.url, "--cid", cid)
        arguments = (*base, "--capacity", str(ITEMS))
        code, planned, lines = await mintworks(*arguments, "--dry-run")
        assert (code, planned["created"], planned["maxDepth"]) == (0, False, 3), lines
        code, refused, _ = await mintworks(*arguments, "--max-cost", "0.000001")
        assert (code, "costs" in refused["problems"][0]["message"]) == (75, True)
        code, made, lines = await mintworks(*arguments)
        assert (code, made["address"], made["created"]) == (0, planned["address"], True), lines
        code, again, _ = await mintworks(*arguments)
        assert (code, again["created"], again["exists"]) == (0, False, True)
        assert await job.here() == DONE, job.run.termination
        assert job.run.termination["result"]["tree"] == made["address"]
        # One of another size at the same salt would be another tree.
        code, refused, _ = await mintworks(*base, "--depth", "14", "--buffer", "64")
        assert (code, "salt" in refused["problems"][0]["message"]) == (64, True)
        code, refused, _ = await mintworks(*base, "--depth", "14")
        assert code == 64
