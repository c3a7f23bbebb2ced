"""AWS Signature Version 4 for S3, in headers. Pure: the clock is an argument.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

EMPTY: Final = hashlib.sha256(b"").hexdigest()
_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request is signed with; `token` goes with temporary ones."""

    access_key: str
    secret_key: str
    token: str | None = None


def encoded_path(key: str) -> str:
    """A path as it is sent and signed: UTF-8, percent-encoded once, slashes kept."""
    return "/" + quote(key, safe="-._~/")


def encoded_query(query: Mapping[str, str]) -> str:
    """A query as it is sent and signed: sorted by name."""
    pairs = sorted((quote(name, safe="-._~"), quote(value, safe="-._~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed(
    method: str,
    host: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    *,
    sha256: str,
    credentials: Credentials,
    region: str,
    now: datetime,
) -> dict[str, str]:
    """The headers of a request with those that sign it; of `path` and `query` the encoded forms, `sha256` of its body.

    `host` is that of the Host header, with a port that is not the scheme's usual one.
    """
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    own = {"x-amz-date": moment, "x-amz-content-sha256": sha256}
    if credentials.token is not None:
        own["x-amz-security-token"] = credentials.token
    sent = {name.lower(): " ".join(value.split()) for name, value in headers.items()} | own
    covered = {**sent, "host": host}
    names = ";".join(sorted(covered))
    lines = "".join(f"{name}:{covered[name]}\n" for name in sorted(covered))
    canonical = "\n".join((method, path, query, lines, names, sha256))
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (moment[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    sent["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return sent
