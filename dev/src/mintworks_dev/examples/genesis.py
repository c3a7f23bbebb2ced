"""The derived files of examples/genesis, as a pure function of the files that people edit there.

The wallet and the collection are throwaway keys whose seeds are published here; the development chain's genesis funds
the one and holds the other.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aleph_cid
import yaml
from solders.keypair import Keypair

from .images import images

_MADE: Final = "# Made by `make generate` from {}; edit that instead.\n"


def minter() -> Keypair:
    """The wallet that pays for the example and signs its mints."""
    return _throwaway("minter")


def collection() -> Keypair:
    """The mint of the collection NFT that the example's NFTs belong to."""
    return _throwaway("collection")


def derived(folder: Path) -> dict[str, bytes]:
    """The derived files of the example in `folder`, as relative path to content.

    Raises ValueError where a manifest lacks the field that a derived value belongs in.
    """
    pictures = dict(images())
    metadata = _put(folder / "metadatajob.yaml", {"cid": folder_cid(pictures), "address": str(minter().pubkey())})
    mint = _put(folder / "mintjob.yaml", {"mint": str(collection().pubkey())})
    return {
        **{f"images/{name}": content for name, content in pictures.items()},
        "rows-configmap.yaml": _rows_configmap((folder / "rows.csv").read_bytes().decode()).encode(),
        "wallet-secret.yaml": _wallet_secret().encode(),
        "metadatajob.yaml": metadata.encode(),
        "mintjob.yaml": mint.encode(),
    }


def archived(pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    """The derived files of examples/pictures: these pictures as a zip in a ConfigMap."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(pictures.items()):
            # A date of its own would make other bytes every time; so would a compressor of another version.
            archive.writestr(zipfile.ZipInfo(f"images/{name}"), content)
    coded = base64.encodebytes(target.getvalue()).decode()
    lines = "".join(f"    {line}\n" for line in coded.splitlines())
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: genesis-images\nbinaryData:\n  images.zip: |\n"
    return {"images-configmap.yaml": (_MADE.format("examples/genesis/images") + head + lines).encode()}


def folder_cid(files: Mapping[str, bytes]) -> str:
    """The CID (version 1) of a folder with these files, as Kubo computes it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return aleph_cid.hash_folder(folder)


def _throwaway(name: str) -> Keypair:
    return Keypair.from_seed(hashlib.sha256(f"mintworks/examples/genesis/{name}".encode()).digest())


def _put(path: Path, values: Mapping[str, str]) -> str:
    """The manifest with each field's value replaced, its comments and layout kept."""
    text = path.read_text()
    for field, value in values.items():
        text, found = re.subn(rf"(?<=\b{field}: )[1-9A-Za-z]+\b", value, text)
        if found != 1:
            raise ValueError(f"{path} has the field {field} {found} times, expected once")
    return text


def _rows_configmap(rows: str) -> str:
    lines = "".join(f"    {line}\n" if line else "\n" for line in rows.removesuffix("\n").split("\n"))
    text = (
        _MADE.format("rows.csv")
        + "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: genesis-rows\ndata:\n  rows.csv: |\n"
        + lines
    )
    # A block scalar cannot hold every text (carriage returns, for one): rather refuse than publish other rows.
    if yaml.safe_load(text)["data"]["rows.csv"] != rows:
        raise ValueError("rows.csv cannot be written as a block of YAML: use \\n as line break and end with one")
    return text


def _wallet_secret() -> str:
    key = json.dumps(list(bytes(minter())), separators=(",", ":"))
    return (
        _MADE.format("a published seed")
        + "# THROWAWAY: everybody knows this key. It has money on the development chain alone.\n"
        + f"# Address: {minter().pubkey()}\n"
        + "apiVersion: v1\nkind: Secret\nmetadata:\n  name: genesis-minter\ntype: Opaque\n"
        + f'stringData:\n  id.json: "{key}"\n'
    )
