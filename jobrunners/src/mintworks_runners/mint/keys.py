"""Secrets of a MintJob: keypairs as solana-keygen writes them, endpoint URLs with credentials. Never logged."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from mintworks_api import MintJobSpec
from solders.keypair import Keypair
from yarl import URL

from mintworks_runners.core.context import JobContext
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.redaction import conceal, conceal_url

from .rpc.endpoint import Endpoint


def read_keypair(path: Path, field: str) -> Keypair:
    """A keypair from a file of 64 numbers; InvalidInput `InvalidSecret` that names the field and never the
    content.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ended("MissingSecret", f"the Secret has no entry {path.name}", field=field) from error
    except OSError:
        data = b""
    return parse_keypair(data, path.name, field)


def parse_keypair(data: bytes, name: str, field: str) -> Keypair:
    """A keypair from a text of 64 numbers; InvalidInput `InvalidSecret` as `read_keypair`."""
    try:
        conceal(data.decode("utf-8", "replace"))
        keypair = Keypair.from_bytes(bytes(json.loads(data)))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        # The parser's own message could quote the key: it is left out, and so is the cause.
        del error
        message = f"{name} is not a keypair: a JSON array of 64 numbers, as solana-keygen writes it"
        raise ended("InvalidSecret", message, field=field) from None
    _conceal(keypair)
    return keypair


def _conceal(keypair: Keypair) -> None:
    """In every notation that someone may print it in: the whole, and the half that is the secret."""
    for secret in (bytes(keypair), bytes(keypair)[:32]):
        listed = list(secret)
        conceal(
            *(json.dumps(listed, separators=separators)[1:-1] for separators in ((",", ":"), (", ", ": "))),
            secret.hex(),
            base64.b64encode(secret).decode(),
            repr(secret),
        )
    # solders writes it as base58 when it is printed.
    conceal(str(keypair))


def wallet_of(context: JobContext, spec: MintJobSpec) -> Keypair:
    """The key that pays and is the tree's delegate."""
    field = "wallet.secret"
    return read_keypair(context.secret(field, spec.wallet.secret.key), f"spec.{field}")


def authority_of(context: JobContext, spec: MintJobSpec, wallet: Keypair | None) -> Keypair | None:
    """The collection's authority: its own secret, else the wallet; None without a collection."""
    if spec.collection is None:
        return None
    if spec.collection.authority is None:
        return wallet
    field = "collection.authority.secret"
    return read_keypair(context.secret(field, spec.collection.authority.secret.key), f"spec.{field}")


def endpoints_of(context: JobContext, spec: MintJobSpec, at: str = "solana") -> list[Endpoint]:
    """The endpoints of the spec, then those of the secret (one URL a line); InvalidInput where there is none. `at` is
    the field that they come from.
    """
    field = f"spec.{at}.rpcUrls"
    endpoints = [
        _endpoint(url, "InvalidSpec", f"{url} is no http(s) URL", field, secret=False)
        for url in spec.solana.rpc_urls or ()
    ]
    if spec.solana.rpc_secret is not None:
        field = f"{at}.rpcSecret"
        endpoints += _secret_endpoints(context.secret(field, spec.solana.rpc_secret.key), f"spec.{field}")
    return endpoints


def _endpoint(url: str, reason: str, message: str, field: str, *, secret: bool) -> Endpoint:
    """An endpoint that can be asked; InvalidInput with this reason and message where the URL is none. What the
    parsers say could quote it: it is left out.
    """
    try:
        parts = URL(url)
        port = parts.explicit_port is None or 0 < parts.explicit_port < 1 << 16
        if parts.scheme in ("http", "https") and parts.host and port and not re.search(r"\s", url):
            return Endpoint(url, secret=secret)
    except ValueError:
        pass
    raise ended(reason, message, field=field)


def _secret_endpoints(path: Path, field: str) -> list[Endpoint]:
    """One URL a line; empty lines and comments (#) are passed over."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ended("MissingSecret", f"the Secret has no readable entry {path.name}", field=field) from error
    for line in lines:
        conceal_url(line.lstrip("# "))
    endpoints = [
        _endpoint(line, "InvalidSecret", f"line {number} of {path.name} is no http(s) URL", field, secret=True)
        for number, line in enumerate(lines, 1)
        if line and not line.startswith("#")
    ]
    if not endpoints:
        raise ended("InvalidSecret", f"{path.name} holds no URL", field=field)
    return endpoints
