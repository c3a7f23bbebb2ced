"""Signatures after Standard Webhooks 1.0. Every namespace has keys of its own, derived from the chart's seed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

#: What a seed has at least, in characters: every key is as good as it.
SHORTEST = 16


class Keys:
    """The keys of a namespace. Another seed, or another namespace, gives others; none tells anything of another."""

    def __init__(self, seed: str, namespace: str) -> None:
        """Raises ValueError where the seed is too short."""
        if len(seed) < SHORTEST:
            raise ValueError(f"the seed of webhooks has {len(seed)} characters; at least {SHORTEST} are needed")
        self._secret = _derived(seed, "v1", namespace)
        self._private = Ed25519PrivateKey.from_private_bytes(_derived(seed, "v1a", namespace))

    @property
    def secret(self) -> str:
        """What a receiver verifies HMAC signatures (v1) with, and could make them with."""
        return f"whsec_{base64.b64encode(self._secret).decode()}"

    @property
    def public(self) -> str:
        """What a receiver verifies ed25519 signatures (v1a) with, and with which nobody can make one."""
        return f"whpk_{base64.b64encode(self._private.public_key().public_bytes_raw()).decode()}"

    def sign(self, id_: str, moment: datetime, body: str) -> list[str]:
        """The signatures of a webhook that is sent at this moment (UTC)."""
        signed = f"{id_}.{int(moment.timestamp())}.{body}".encode()
        v1a = base64.b64encode(self._private.sign(signed)).decode()
        return [Webhook(self._secret).sign(id_, moment, body), f"v1a,{v1a}"]


def headers(seeds: Sequence[str], namespace: str, id_: str, moment: datetime, body: str) -> dict[str, str]:
    """The headers of a webhook, signed by the keys of each of the seeds: a receiver needs to know those of one."""
    signatures = [signature for seed in seeds for signature in Keys(seed, namespace).sign(id_, moment, body)]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _derived(seed: str, version: str, namespace: str) -> bytes:
    return hmac.digest(seed.encode(), f"mintworks.dev/webhooks/{version}/{namespace}".encode(), hashlib.sha256)
