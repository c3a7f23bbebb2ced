"""Specs that every job test starts from, and the table of bad ones with what a person must read."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ADDRESS = "HkUpJvBqUjbR4kvHtQ3ngUZBGXxYmXC9fD4sdcSx4fCa"
CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"

MINT: dict[str, Any] = {
    "solana": {"rpcUrls": ["http://localnet:8899"]},
    "wallet": {"secret": {"name": "minter", "key": "id.json"}},
    "tree": {"create": {"capacity": 100}},
    "metadataFrom": {"job": "genesis-metadata"},
}
METADATA: dict[str, Any] = {
    "rows": {"configMap": {"name": "rows", "key": "rows.csv"}},
    "images": {"cid": CID},
    "collection": {"name": "Genesis"},
    "storage": {"kubo": {"url": "http://ipfs:5001"}},
}
UPLOAD: dict[str, Any] = {
    "files": {"archive": {"configMap": {"name": "images", "key": "images.zip"}}},
    "storage": {"kubo": {"url": "http://ipfs:5001"}},
}
#: A good spec of each kind, and a complete result.
CLEANUP: dict[str, Any] = {"content": {"cids": [CID], "storage": {"kubo": {"url": "http://ipfs:5001"}}}}
GOOD: dict[str, dict[str, Any]] = {
    "MintJob": MINT,
    "MetadataJob": METADATA,
    "UploadJob": UPLOAD,
    "CleanupJob": CLEANUP,
}
#: A MetadataJob's, which most tests take.
RESULT: dict[str, Any] = {"cid": CID, "items": 3, "bytes": 900, "rowsSha256": "0" * 64}
RESULTS: dict[str, dict[str, Any]] = {
    "UploadJob": {"cid": CID, "items": 3, "bytes": 900},
    "CleanupJob": {"checked": 1, "unpinned": 1, "kept": 0, "absent": 0, "cids": [CID]},
    "MetadataJob": RESULT,
    "MintJob": {
        "tree": "t",
        "items": 1,
        "minted": 1,
        "already": 0,
        "feesLamports": 1,
        "rentLamports": 1,
        "genesis": "g",
        "audit": "ok",
    },
}


@dataclass(frozen=True)
class Bad:
    """A spec made bad by setting `path` to `value` (None removes it), and what the answer must say."""

    kind: str
    path: str
    value: Any
    field: str
    words: str
    cluster_only: bool = False

    @property
    def spec(self) -> dict[str, Any]:
        """The bad spec."""
        spec = copy.deepcopy(GOOD[self.kind])
        *parents, last = self.path.split(".")
        at = spec
        for name in parents:
            at = at.setdefault(name, {})
        if self.value is None:
            del at[last]
        else:
            at[last] = self.value
        return spec

    def __str__(self) -> str:
        return f"{self.kind}-{self.path}={str(self.value)[:40]}"


_VOLUME = {"claim": "c", "path": "p"}
_STORE = {"url": "s3://bucket/in/rows.csv"}
_NO_OBJECTS = (
    "https://bucket/key",
    "s3://bucket",
    "s3://bucket/",
    "s3://bucket/a//b",
    "s3://bucket/../b",
    "s3://bucket/a/",
    "s3://Bucket/key",
    "s3://-bucket/key",
    "s3://user:pw@bucket/key",
    "s3:///key",
)
_CREATOR = {"address": ADDRESS, "share": 100}

_OPEN = "RPC endpoints with credentials go into solana.rpcSecret, and receivers know a webhook by its signature"


def _credentials() -> Iterator[Bad]:
    """Credentials in each field that holds a URL."""
    http = {"http": {"sha256": "0" * 64}}
    ipfs = {"ipfs": {"cid": CID}}
    for url in ("https://user:pw@host.example", "https://key@host.example/x", "https://host.example/x?token=t"):
        yield Bad("MintJob", "solana.rpcUrls", ["https://good.example", url], "rpcUrls", _OPEN)
        yield Bad("MetadataJob", "rows", {"http": {**http["http"], "url": url}}, "url", _OPEN)
        yield Bad("MetadataJob", "rows", {"ipfs": {**ipfs["ipfs"], "gateway": url}}, "gateway", _OPEN)
        yield Bad("MintJob", "notify", {"url": url}, "url", _OPEN)
        yield Bad("MetadataJob", "images", {"map": {"http": {**http["http"], "url": url}}}, "url", _OPEN)
        yield Bad("MetadataJob", "storage", {"kubo": {"url": url}}, "url", _OPEN)
        yield Bad("MetadataJob", "collection.externalUrl", url, "externalUrl", _OPEN)
        store = {"url": "s3://bucket/key", "endpoint": url}
        yield Bad("MetadataJob", "storage", {"car": {"objectStore": store}}, "endpoint", _OPEN)
        secret = {"name": "p", "key": "k"}
        yield Bad("MetadataJob", "storage", {"pinata": {"secret": secret, "apiUrl": url}}, "apiUrl", _OPEN)
    manifest = {"cid": CID, "manifest": {"ipfs": {**ipfs["ipfs"], "gateway": "https://user:pw@host.example"}}}
    yield Bad("MintJob", "metadataFrom", manifest, "gateway", _OPEN)


BAD: tuple[Bad, ...] = (
    *_credentials(),
    Bad("MintJob", "wallet", None, "wallet", "equired"),
    Bad("MintJob", "solana", {}, "solana", "set rpcUrls or rpcSecret"),
    Bad("MintJob", "solana.rpcUrls", [], "rpcUrls", "at least 1"),
    Bad("MintJob", "solana.rpcUrls", ["https://rpc.example/?api-key=secret"], "rpcUrls", "match"),
    Bad("MintJob", "solana.rpcUrls", ["https://user:pass@rpc.example"], "rpcUrls", "match"),
    Bad("MintJob", "solana.rpcUrls", ["ftp://rpc.example"], "rpcUrls", "match"),
    Bad("MintJob", "solana.commitment", "processed", "commitment", "confirmed"),
    Bad("MintJob", "solana.requestsPerSecond", 0, "requestsPerSecond", "greater than or equal to 1"),
    Bad("MintJob", "solana.priorityFee.percentile", 101, "percentile", "less than or equal to 100"),
    Bad("MintJob", "tree", {}, "tree", "exactly one of create or address must be set"),
    Bad("MintJob", "tree.address", ADDRESS, "tree", "exactly one of create or address must be set"),
    Bad("MintJob", "tree.create", {}, "tree.create", "exactly one of capacity or maxDepth must be set"),
    Bad("MintJob", "tree.create", {"maxDepth": 14}, "tree.create", "maxDepth and maxBufferSize go together"),
    Bad("MintJob", "tree.create.capacity", 0, "capacity", "greater than or equal to 1"),
    Bad("MintJob", "tree.create.salt", "", "salt", "at least 1"),
    Bad("MintJob", "tree.allowPublic", True, "tree", "allowPublic goes with address"),
    Bad("MintJob", "collection", {"mint": "not an address"}, "mint", "match"),
    Bad("MintJob", "metadataFrom", {}, "metadataFrom", "exactly one of job or cid must be set"),
    Bad("MintJob", "metadataFrom", {"cid": CID}, "metadataFrom", "cid and manifest go together"),
    Bad("MintJob", "metadataFrom.asset", {"symbol": "X"}, "metadataFrom", "asset goes with cid"),
    Bad("MintJob", "metadataFrom.job", "Not_A_Label", "metadataFrom.job", "match"),
    Bad("MintJob", "recipients", {"default": "me"}, "recipients.default", "match"),
    Bad("MintJob", "recipients", {"overrides": {"3": "nobody"}}, "recipients.overrides", "match"),
    Bad("MintJob", "batchSize", 11, "batchSize", "less than or equal to 10"),
    Bad("MintJob", "inFlight", 0, "inFlight", "greater than or equal to 1"),
    Bad("MintJob", "maxCost", "1,5", "maxCost", "match"),
    Bad("MintJob", "maxAttempts", 0, "maxAttempts", "greater than or equal to 1"),
    Bad("MintJob", "maxAttempts", "five", "maxAttempts", "expected numeric"),
    Bad("MintJob", "priority", -1, "priority", "greater than or equal to 0"),
    Bad("MintJob", "timeout", "soon", "timeout", "match"),
    Bad("MintJob", "backoff", {"type": "linear"}, "backoff.type", "exponential"),
    Bad("MintJob", "backoff", {"jitter": 2}, "backoff.jitter", "less than or equal to 1"),
    Bad("MintJob", "queue", "a.b", "queue", "match"),
    Bad("MintJob", "notify", {"on": ["Failed"]}, "notify.url", "equired"),
    Bad("MintJob", "notify", {"url": "ftp://hooks.example"}, "url", "match"),
    Bad("MintJob", "notify", {"url": "https://hooks.example/a b"}, "url", "match"),
    Bad("MintJob", "notify", {"url": "https://hooks.example", "on": []}, "on", "at least 1"),
    Bad("MintJob", "notify", {"url": "https://hooks.example", "on": ["Running"]}, "on", "Succeeded"),
    Bad("MetadataJob", "rows", None, "rows", "equired"),
    Bad("MetadataJob", "rows", {}, "rows", "exactly one of"),
    Bad("MetadataJob", "rows.http", {"url": "http://x/rows.csv", "sha256": "0" * 64}, "rows", "exactly one of"),
    Bad("MetadataJob", "rows", {"http": {"url": "http://x/rows.csv", "sha256": "abc"}}, "sha256", "match"),
    Bad("MetadataJob", "rows", {"volume": {"claim": "c", "path": "../etc/passwd"}}, "path", "match"),
    Bad("MetadataJob", "rows", {"volume": {"claim": "c", "path": "/etc/passwd"}}, "path", "match"),
    Bad("MetadataJob", "rows", {"volume": {"claim": "c", "path": "a/../../b"}}, "path", "match"),
    Bad("MetadataJob", "rows", {"volume": {"claim": "../c", "path": "a"}}, "claim", "match"),
    Bad("MetadataJob", "rows", {"configMap": {"name": "c", "key": ".."}}, "key", "match"),
    Bad("MetadataJob", "rows", {"configMap": {"name": "c", "key": "..data"}}, "key", "match"),
    Bad("MetadataJob", "rows", {"configMap": {"name": "c", "key": "a/b"}}, "key", "match"),
    Bad("MetadataJob", "rows", {"ipfs": {"cid": CID, "path": "../x", "gateway": "http://g"}}, "path", "match"),
    Bad("MintJob", "wallet.secret.key", ".", "key", "match"),
    Bad("MintJob", "wallet.secret.key", "../../redis/url", "key", "match"),
    Bad("MintJob", "wallet.secret.name", "$(NAME)", "name", "match"),
    Bad("MintJob", "ledger", {"volume": {"claim": "c", "path": ".."}}, "path", "match"),
    Bad("MintJob", "runner", {"image": "$(IMAGE)"}, "image", "match"),
    Bad("MintJob", "runner", {"image": "a b"}, "image", "match"),
    Bad("MintJob", "runner", {"nodeSelector": {"pool": "a b"}}, "nodeSelector", "match"),
    Bad("MintJob", "runner", {"tolerations": [{"key": "a", "effect": "All"}]}, "effect", "NoSchedule"),
    Bad("MintJob", "runner", {"tolerations": [{"key": f"k{n}"} for n in range(17)]}, "tolerations", "at most 16"),
    Bad("MintJob", "runner", {"resources": {"limits": {"memory": "lots"}}}, "memory", "match"),
    Bad("MintJob", "runner", {"resources": {"limits": {"cpu": "-1"}}}, "cpu", "match"),
    Bad("MintJob", "runner", {"resources": {"limits": {"cpu": -1}}}, "cpu", "greater than or equal to 0"),
    Bad("MetadataJob", "images", {"cid": "bafy"}, "images.cid", "match"),
    Bad("MetadataJob", "images.job", "pictures", "images", "exactly one of job or cid or map must be set"),
    Bad("CleanupJob", "content", None, "", "exactly one of failedMint or content must be set"),
    Bad("CleanupJob", "failedMint", {"job": "m"}, "", "exactly one of failedMint or content must be set"),
    Bad("CleanupJob", "content.cids", [], "cids", "at least 1"),
    Bad("CleanupJob", "content.cids", [CID, "bafy"], "cids", "match"),
    Bad("CleanupJob", "content.storage", {}, "storage", "exactly one of kubo or pinata must be set"),
    Bad("UploadJob", "files", {}, "files", "exactly one of volume or objectStore or archive must be set"),
    Bad(
        "UploadJob",
        "files.volume",
        {"claim": "c", "path": "a"},
        "files",
        "exactly one of volume or objectStore or archive",
    ),
    Bad("UploadJob", "files", {"volume": {"claim": "c", "path": "../a"}}, "path", "match"),
    Bad("UploadJob", "types", [], "types", "at least 1"),
    Bad("UploadJob", "types", ["exe"], "types", "png"),
    Bad("UploadJob", "limits", {"files": 0}, "files", "greater than or equal to 1"),
    Bad("UploadJob", "limits", {"fileSize": "much"}, "fileSize", "match"),
    Bad("UploadJob", "storage", None, "storage", "required in a cluster", cluster_only=True),
    Bad("MetadataJob", "collection.symbol", "TOO-LONG-SYMBOL", "symbol", "10"),
    Bad("MetadataJob", "collection.sellerFeeBasisPoints", 10001, "sellerFeeBasisPoints", "less than or equal to 10000"),
    Bad("MetadataJob", "collection.creators", [_CREATOR | {"share": 90}], "creators", "must make 100"),
    Bad("MetadataJob", "collection.creators", [_CREATOR | {"share": 50}] * 2, "creators", "only once"),
    Bad("MetadataJob", "storage", {}, "storage", "exactly one of kubo or pinata or car must be set"),
    Bad("MetadataJob", "storage", None, "storage", "required in a cluster", cluster_only=True),
    Bad("MetadataJob", "storage.car", {"volume": _VOLUME}, "storage", "exactly one of kubo or pinata or car"),
    Bad("MetadataJob", "storage", {"car": {}}, "car", "exactly one of volume or objectStore must be set"),
    Bad("MetadataJob", "storage", {"car": {"volume": _VOLUME, "objectStore": _STORE}}, "car", "exactly one of volume"),
    Bad("MetadataJob", "storage", {"pinata": {}}, "pinata", "equired"),
    Bad("MetadataJob", "storage", {"pinata": {"secret": {"name": "p"}}}, "key", "equired"),
    Bad("MetadataJob", "rows", {"objectStore": _STORE, "volume": _VOLUME}, "rows", "exactly one of"),
    Bad("MetadataJob", "rows", {"objectStore": {**_STORE, "region": "eu west"}}, "region", "match"),
    Bad("MetadataJob", "rows", {"objectStore": {**_STORE, "endpoint": "s3.example"}}, "endpoint", "match"),
    Bad("MetadataJob", "rows", {"objectStore": {**_STORE, "pathStyle": "yes"}}, "pathStyle", "boolean"),
    *(Bad("MetadataJob", "rows", {"objectStore": {"url": url}}, "url", "match") for url in _NO_OBJECTS),
)
