"""An item's document after Metaplex' standard for NFTs: bytes that depend on the row and the collection alone."""

from __future__ import annotations

import re
from json.encoder import encode_basestring as quoted
from typing import Final

from mintworks_api.metadatajob import CollectionData

from mintworks_runners.solana.metadata import MAX_SYMBOL_BYTES

from .images import UNKNOWN_TYPE, category, mime_type
from .rows import Attribute, Row
from .values import Value

_REMEMBERED: Final = 4096
"""So many traits and extensions are written once for all documents; a file has a few."""

_FRAGMENT: Final = re.compile(r"#.*$", re.DOTALL)
_NAMED_TYPE: Final = re.compile(r"[?&]ext=([A-Za-z0-9]+)")


class Documents:
    """Makes the documents of one collection: compact JSON, keys in a fixed order, UTF-8 without escapes.

    Put together from parts that are written once; the bytes are those of the standard library's `json.dumps` of the
    same object, which tests hold them to.
    """

    def __init__(self, collection: CollectionData) -> None:
        self._symbol = f',"symbol":{quoted(collection.symbol)},"description":'
        self._fee = f',"seller_fee_basis_points":{collection.seller_fee_basis_points},"image":'
        self._external = quoted(collection.external_url) if collection.external_url else ""
        creators = ",".join(
            f'{{"address":{quoted(one.address)},"share":{one.share}}}' for one in collection.creators or ()
        )
        self._end = f',"creators":[{creators}]}}}}' if creators else "}}"
        self._files = f'],"collection":{{"name":{quoted(collection.name)}}},"properties":{{"files":['
        self._traits: dict[tuple[str, str | None], str] = {}
        self._types: dict[str, tuple[str, str]] = {}

    def document(self, row: Row, image: str, animation: str | None = None) -> bytes:
        """The document of an item; `image` and `animation` are URIs.

        The recipient is not in it: documents are public and stay so, and who owns an item is the chain's to say.
        """
        image_uri = quoted(image)
        file, shown = self._file(row.image or "", image_uri)
        parts = [
            '{"name":', quoted(row.name), self._symbol, quoted(row.description), self._fee, image_uri
        ]  # fmt: skip
        if animation is not None:
            animation_uri = quoted(animation)
            parts += ',"animation_url":', animation_uri
            second, other = self._file(_file_name(animation), animation_uri)
            file, shown = f"{file},{second}", other if UNKNOWN_TYPE not in second else shown
        external = quoted(row.external_url) if row.external_url else self._external
        if external:
            parts += ',"external_url":', external
        attributes = ",".join([self._attribute(one) for one in row.attributes])
        parts += ',"attributes":[', attributes, self._files, file, '],"category":"', shown, '"', self._end
        return "".join(parts).encode()

    def _attribute(self, attribute: Attribute) -> str:
        trait, value, display = attribute
        start = self._traits.get((trait, display))
        if start is None:
            shown = f'"display_type":{quoted(display)},' if display else ""
            start = f'{{{shown}"trait_type":{quoted(trait)},"value":'
            if len(self._traits) < _REMEMBERED:
                self._traits[trait, display] = start
        return f"{start}{quoted(value) if isinstance(value, str) else _number(value)}}}"

    def _file(self, name: str, uri: str) -> tuple[str, str]:
        """The entry of properties.files, and the category."""
        dot = name.rfind(".")
        extension = name[dot:] if dot >= 0 else ""
        known = self._types.get(extension)
        if known is None:
            mime = mime_type(extension)
            known = f',"type":{quoted(mime)}}}', category(mime)
            if len(self._types) < _REMEMBERED:
                self._types[extension] = known
        return f'{{"uri":{uri}{known[0]}', known[1]


def document_name(index: int) -> str:
    """The document's name in its folder."""
    return f"{index}.json"


def document_uri(cid: str, index: int) -> str:
    """What the chain says of item `index` in the folder `cid`: at most 200 bytes for any CID of the API."""
    return f"ipfs://{cid}/{document_name(index)}"


def symbol_problem(collection: CollectionData) -> str | None:
    """Why the chain cannot hold the symbol, or None: the API bounds characters, the chain bytes."""
    size = len(collection.symbol.encode())
    return f"{size} bytes of UTF-8, at most {MAX_SYMBOL_BYTES} are possible" if size > MAX_SYMBOL_BYTES else None


def _number(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _file_name(uri: str) -> str:
    """What of a URI tells the type: the file that it names, or what Metaplex writes as `?ext=mp4`."""
    plain = _FRAGMENT.sub("", uri)
    named = _NAMED_TYPE.search(plain)
    return f"x.{named[1]}" if named else plain.partition("?")[0]
