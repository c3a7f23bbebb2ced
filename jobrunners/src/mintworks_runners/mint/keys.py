"""Secrets of a MintJob: keypairs as solana-keygen writes them, endpoint URLs with credentials. Never logged."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from mintworks_api import MintJobSpec
from solders.keypair import Keypair

from mintworks_runners.core.context import JobContext
from mintworks_runners.mint.reasons import ended
from mintworks_runners.mint.rpc.endpoint import Endpoint


def read_keypair(path: Path, field: str) -> Keypair:
    """A keypair from a file of 64 numbers; InvalidInput `InvalidSecret` that names the field and never the
    content.
    """
    try:
        numbers = json.loads(path.read_bytes())
        return Keypair.from_bytes(bytes(numbers))
    except FileNotFoundError as error:
        raise ended("MissingSecret", f"the Secret has no entry {path.name}", field=field) from error
    except (ValueError, TypeError, OverflowError) as error:
        # The parser's own message could quote the key: it is left out, and so is the cause.
        del error
        message = f"{path.name} is not a keypair: a JSON array of 64 numbers, as solana-keygen writes it"
        raise ended("InvalidSecret", message, field=field) from None


def wallet_of(context: JobContext, spec: MintJobSpec) -> Keypair:
    """The key that pays and is the tree's delegate."""
    field = "wallet.secret"
    return read_keypair(context.secret(field, spec.wallet.secret.key), f"spec.{field}")


def authority_of(context: JobContext, spec: MintJobSpec, wallet: Keypair) -> Keypair | None:
    """The collection's authority: its own secret, else the wallet; None without a collection."""
    if spec.collection is None:
        return None
    if spec.collection.authority is None:
        return wallet
    field = "collection.authority.secret"
    return read_keypair(context.secret(field, spec.collection.authority.secret.key), f"spec.{field}")


def endpoints_of(context: JobContext, spec: MintJobSpec) -> list[Endpoint]:
    """The endpoints of the spec, then those of the secret (one URL a line); InvalidInput where there is none."""
    endpoints = [Endpoint(url, secret=False) for url in spec.solana.rpc_urls or ()]
    secret = spec.solana.rpc_secret
    if secret is not None:
        field = "solana.rpcSecret"
        endpoints += [Endpoint(url, secret=True) for url in _urls(context.secret(field, secret.key), f"spec.{field}")]
    return endpoints


def _urls(path: Path, field: str) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ended("MissingSecret", f"the Secret has no readable entry {path.name}", field=field) from error
    urls = [line for line in lines if line and not line.startswith("#")]
    for number, url in enumerate(urls, 1):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ended("InvalidSecret", f"line {number} of {path.name} is no http(s) URL", field=field)
    if not urls:
        raise ended("InvalidSecret", f"{path.name} holds no URL", field=field)
    return urls
