"""examples/devnet as a person has it who filled it in."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from mintworks_dev.examples.genesis import collection, minter
from mintworks_dev.paths import repository

FOLDER = repository() / "examples" / "devnet"
#: Each field to be filled in, with something that fits.
FIELDS = {
    "spec.images.cid": "bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq",
    "spec.collection.creators.0.address": str(minter().pubkey()),
    "spec.storage.kubo.url": "http://127.0.0.1:5001",
    "spec.collection.mint": str(collection().pubkey()),
}


def filled_in(target: Path) -> Path:
    """A copy of the example in `target` (which must not exist), filled in."""
    shutil.copytree(FOLDER, target)
    for field, value in FIELDS.items():
        file = target / ("mintjob.yaml" if field == "spec.collection.mint" else "metadatajob.yaml")
        file.write_text(re.sub(r'"<[^>]*>"', value, file.read_text(), count=1))
    (target / "wallet-secret.yaml.example").rename(target / "wallet-secret.yaml")
    return target
