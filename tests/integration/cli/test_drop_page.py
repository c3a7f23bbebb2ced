"""The manifests and commands of docs/mainnet-drop.md, as they stand there, on a chain of this test's own."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from pathlib import Path

from solders.keypair import Keypair
from support.minting import Minter
from support.mintworks import Command, mintworks
from support.web import Answer, serve

PAGE = Path(__file__).parents[3] / "docs" / "mainnet-drop.md"
ITEMS = 20
PLACEHOLDER = "9ZzurNgabZQpfyML8kamurocgMpqGABrqxYyxZKkjxXf"


def secret(name: str, entry: str, content: str) -> str:
    """A Secret of the drop's namespace; JSON is YAML."""
    metadata = {"name": name, "namespace": "genesis"}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {entry: content}})


async def test_the_drop_of_the_page(tmp_path: Path) -> None:
    """Only what a reader puts in is replaced: the rows' place, the collection. No storage is needed here."""
    rows = "name,image_filename,recipient_wallet\n"
    rows += "".join(f"Genesis {number},a.png,{Keypair().pubkey()}\n" for number in range(ITEMS))
    minter = Minter()
    folder, state = tmp_path / "drop", tmp_path / "state"
    folder.mkdir()
    with serve() as web:
        web.answers["/drop/rows.csv"] = [Answer(body=rows.encode())]
        async with minter.localnet() as net:
            metadata, mint = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
            metadata = metadata.replace("https://files.example.com", web.url)
            metadata = re.sub(r"sha256: \w+", f"sha256: {hashlib.sha256(rows.encode()).hexdigest()}", metadata)
            metadata = re.sub(r"  storage:\n.*\n", "", metadata)
            assert PLACEHOLDER in mint
            (folder / "metadata.yaml").write_text(metadata)
            (folder / "mint.yaml").write_text(mint.replace(PLACEHOLDER, str(minter.collection)))
            (folder / "rpc.yaml").write_text(secret("rpc", "urls", net.url))
            wallet = folder / "wallet.yaml"
            wallet.write_text(secret("minter", "id.json", json.dumps(list(bytes(minter.wallet)))))

            code, told, _ = await mintworks("validate", "-f", folder)
            assert (code, told["valid"]) == (0, ["MetadataJob/drop-metadata", "MintJob/drop"]), told
            code, told, lines = await mintworks("estimate", "-f", folder)
            assert code == 0, (told, lines)
            run = ("run", "-f", folder, "--state", state)
            code, told, lines = await mintworks(*run)
            assert (code, told["jobs"][1]["result"]["dryRun"]) == (0, True), (told, lines)
            estimate = told["jobs"][1]["result"]
            code, told, lines = await mintworks(*run, "--set", "drop.spec.dryRun=false")
            result = told["jobs"][1]["result"]
            assert (code, result["minted"], result["audit"]) == (0, ITEMS, "ok"), (told, lines)
            assert result["rentLamports"] == estimate["rentLamports"]

            wallet.unlink()
            ledger = await Command.start("ledger", "-f", folder, "--wallet", str(minter.wallet.pubkey()))
            code, text = await ledger.end()
            assert code == 0, ledger.lines
            assert all(row["assetId"] for row in csv.DictReader(io.StringIO(text)))
            assert f"{ITEMS} of {ITEMS} items are minted" in ledger.lines[-1]
