"""Building and signing mint transactions, on one core; no chain is in this figure."""

from __future__ import annotations

import time
from collections.abc import Mapping

from mintworks_api.metadatajob import CollectionData
from mintworks_runners.mint.builder import MintBuilder, Signer
from mintworks_runners.mint.items import design
from mintworks_runners.mint.itemtable import Item
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

TRANSACTIONS = 2_000
_CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"


def measure() -> Mapping[str, float]:
    """`sign_per_second`: transactions of one mint each, built and signed, for each second of one process."""
    wallet = Keypair()
    data = CollectionData.model_validate(
        {"name": "Bench", "symbol": "BENCH", "creators": [{"address": str(wallet.pubkey()), "share": 100}]}
    )
    items = {n: Item(n, n, f"Bench #{n}", f"ipfs://{_CID}/{n}.json", Pubkey.new_unique()) for n in range(TRANSACTIONS)}
    builder = MintBuilder(items, design(Pubkey.new_unique(), wallet.pubkey(), data, None), Signer(wallet))
    started = time.perf_counter()
    for number in items:
        builder.sign([number], Hash.default(), 100_000, 1)
    return {"sign_per_second": TRANSACTIONS / (time.perf_counter() - started)}
