"""An item's document after Metaplex' standard for NFTs: bytes that depend on the row and the collection alone."""

from __future__ import annotations

import json
from typing import Any

from mintworks_api.metadatajob import CollectionData

from .images import category, mime_type
from .rows import SYMBOL_BYTES, Row


def document(row: Row, collection: CollectionData, image: str) -> bytes:
    """The JSON of one item: compact, keys in this fixed order, UTF-8 without escapes. `image` is the image's URI.

    The recipient is not in it: documents are public and stay so, and who owns an item is the chain's to say.
    """
    mime = mime_type(row.image or "")
    properties: dict[str, Any] = {"files": [{"uri": image, "type": mime}], "category": category(mime)}
    if collection.creators:
        properties["creators"] = [{"address": one.address, "share": one.share} for one in collection.creators]
    value: dict[str, Any] = {
        "name": row.name,
        "symbol": collection.symbol,
        "description": row.description,
        "seller_fee_basis_points": collection.seller_fee_basis_points,
        "image": image,
    }
    if collection.external_url:
        value["external_url"] = collection.external_url
    value["attributes"] = [{"trait_type": trait, "value": content} for trait, content in row.attributes]
    value["collection"] = {"name": collection.name}
    value["properties"] = properties
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def document_name(index: int) -> str:
    """The document's name in its folder."""
    return f"{index}.json"


def document_uri(cid: str, index: int) -> str:
    """What the chain says of item `index` in the folder `cid`: at most 200 bytes for any CID of the API."""
    return f"ipfs://{cid}/{document_name(index)}"


def symbol_problem(collection: CollectionData) -> str | None:
    """Why the chain cannot hold the symbol, or None: the API bounds characters, the chain bytes."""
    size = len(collection.symbol.encode())
    return f"{size} bytes of UTF-8, at most {SYMBOL_BYTES} are possible" if size > SYMBOL_BYTES else None
