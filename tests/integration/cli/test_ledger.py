"""`mintworks ledger` against a chain of its own: what a job has minted, whatever is left of the job."""

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

from mintworks_runners.mint.ledgerfile import COLUMNS
from support.manifests import METADATA, MINT, ROWS
from support.minting import DONE, Minter, MintRuns, rows
from support.mintworks import Command, mintworks
from support.specs import ADDRESS, CID

ITEMS = 7


def manifests(folder: Path, job: MintRuns, minter: Minter | None, items: int, **spec: Any) -> Path:
    """A MintJob's manifests as a person has them; without `minter` its key is not there."""
    api = {"apiVersion": "mintworks.dev/v1alpha1", "kind": "MintJob", "metadata": {"name": "job"}}
    found: list[dict[str, Any]] = [{**api, "spec": {**job.run.spec, **spec}}]
    rows_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rows"}}
    found.append({**rows_map, "data": {"rows.csv": rows(items)}})
    if minter is not None:
        key = base64.b64encode(json.dumps(list(bytes(minter.wallet))).encode()).decode()
        found.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "minter"}, "data": {"id.json": key}})
    path = folder / "jobs.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": found}))
    return path


async def ledger(*arguments: str | Path) -> tuple[int, list[dict[str, str]], str]:
    """Exit code, rows, and what it said last."""
    command = await Command.start("ledger", *arguments)
    code, text = await command.end()
    return code, list(csv.DictReader(io.StringIO(text))), (command.lines or [""])[-1]


async def test_the_ledger_of_a_job_before_and_after_it_ran(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        volume = {"volume": {"claim": "out", "path": "deep/ledger.csv"}}
        job = MintRuns(tmp_path / "job", minter, [net.url], ITEMS, ledger=volume)
        (tmp_path / "job" / "mounts" / "ledger.volume").mkdir(parents=True)
        file = manifests(tmp_path, job, minter, ITEMS)
        code, found, said = await ledger("-f", file)
        assert (code, len(found), found[0]["assetId"]) == (1, ITEMS, "")
        assert said.endswith(f"0 of {ITEMS} items are minted; not minted: 0-{ITEMS - 1}")

        assert await job.here() == DONE, job.run.termination
        # The job's own ledger is what anybody can rebuild who has rows and the wallet's address, no key.
        code, found, said = await ledger(
            "-f", manifests(tmp_path, job, None, ITEMS), "--wallet", str(minter.wallet.pubkey())
        )
        assert (code, said.endswith(f"{ITEMS} of {ITEMS} items are minted")) == (0, True)
        own = tmp_path / "job" / "mounts" / "ledger.volume" / "deep" / "ledger.csv"
        with own.open(newline="") as written:
            assert list(csv.DictReader(written)) == found
        assert tuple(found[0]) == COLUMNS
        assert [(row["index"], row["name"], row["uri"]) for row in found] == [
            (str(n), f"Light #{n}", f"ipfs://{CID}/{n}.json") for n in range(ITEMS)
        ]
        await job.check(net.url)

        # Rows that came later are told apart; the tree named by its address says who the wallet is.
        tree = {"address": job.frozen["trees"][0]}
        file = manifests(tmp_path, job, None, ITEMS + 3, tree=tree)
        code, report, lines = await mintworks("ledger", "-f", file)
        assert (code, report["minted"], report["items"]) == (1, ITEMS, ITEMS + 3), lines
        assert report["summary"] == f"{ITEMS} of {ITEMS + 3} items are minted; not minted: {ITEMS}-{ITEMS + 2}"
        assert [row.get("nonce") is not None for row in report["ledger"]] == [True] * ITEMS + [False] * 3

        # What was minted to somebody else than the rows say is no ledger, but a finding each.
        code, report, lines = await mintworks(
            "ledger", "-f", manifests(tmp_path, job, None, ITEMS, tree=tree, recipients={"default": ADDRESS})
        )
        assert (code, len(report["problems"])) == (64, ITEMS), lines
        assert "was minted to" in report["problems"][0]["message"]


async def test_a_folder_is_made_again_for_its_cid(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        (tmp_path / "meta").mkdir()
        (tmp_path / "meta" / "m.yaml").write_text(f"{METADATA}---\n{ROWS}")
        code, report, lines = await mintworks("run", "-f", tmp_path / "meta", "--state", tmp_path / "state")
        assert code == 0, lines
        cid = report["jobs"][0]["result"]["cid"]
        (tmp_path / "m.yaml").write_text("---\n".join((METADATA, MINT, ROWS)))
        to = [f"--set=mint.spec.solana.rpcUrls=['{net.url}']", "--set=mint.spec.recipients.default=wallet"]
        arguments: list[str | Path] = ["-f", tmp_path / "m.yaml", *to]
        code, found, said = await ledger(*arguments, "--wallet", str(minter.wallet.pubkey()))
        assert (code, [row["uri"] for row in found]) == (1, [f"ipfs://{cid}/{n}.json" for n in (0, 1)]), said
        # The tree's address follows from the wallet's.
        code, found, said = await ledger(*arguments)
        assert (code, found) == (64, [])
        assert "the wallet's address is needed" in said
