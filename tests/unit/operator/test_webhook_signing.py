"""Keys and signatures of webhooks, held against the public library and the standard's own numbers."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from mintworks_operator.webhooks.settings import PREVIOUS, SEED, Settings
from mintworks_operator.webhooks.signing import Keys, headers
from standardwebhooks import Webhook, WebhookVerificationError

ONE, OTHER = "a-seed-of-webhooks", "another-seed-of-webhooks"
BODY = '{"type":"mintjob.failed"}'


def test_the_public_library_verifies_it() -> None:
    sent = headers([ONE], "genesis", "msg_1", datetime.now(UTC), BODY)
    assert Webhook(Keys(ONE, "genesis").secret).verify(BODY.encode(), sent) == {"type": "mintjob.failed"}


@pytest.mark.parametrize("secret", [Keys(OTHER, "genesis").secret, Keys(ONE, "drops").secret])
def test_neither_another_seed_nor_another_namespace_verifies_it(secret: str) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers([ONE], "genesis", "msg_1", datetime.now(UTC), BODY))


@pytest.mark.parametrize("seed", [ONE, OTHER])
def test_while_a_seed_is_replaced_both_verify_it(seed: str) -> None:
    sent = headers([OTHER, ONE], "genesis", "msg_1", datetime.now(UTC), BODY)
    assert Webhook(Keys(seed, "genesis").secret).verify(BODY, sent)


@given(st.text(max_size=100))
def test_the_public_key_verifies_it_and_nothing_else(body: str) -> None:
    keys = Keys(ONE, "genesis")
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    _, v1a = keys.sign("msg_1", moment, body)
    version, signature = v1a.split(",")
    assert (version, keys.public[:5]) == ("v1a", "whpk_")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys.public[5:]))
    signed = f"msg_1.{int(moment.timestamp())}.{body}".encode()
    public.verify(base64.b64decode(signature), signed)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), signed + b" ")


def test_keys_are_as_long_as_the_standard_wants_and_stay_what_they_are() -> None:
    keys = Keys(ONE, "genesis")
    assert len(base64.b64decode(keys.secret.removeprefix("whsec_"))) == 32
    # Receivers were given these: another way to derive them would turn every one away.
    assert keys.secret == "whsec_50nZltHk98gEugvTS3JCEmEPTYmAUbZ2PRW1ViTRtUc="
    assert keys.public == "whpk_s5sGdxCU/xiHySzakYT6UWiFIW4DvS9nbibnJKOiIeg="


def test_a_short_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Keys("short", "genesis")


def test_seeds_are_read_as_they_are_now(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert settings.seeds() == []
    (tmp_path / PREVIOUS).write_text("")
    (tmp_path / SEED).write_text(f"{ONE}\n")
    assert settings.seeds() == [ONE]
    (tmp_path / SEED).write_text(OTHER)
    (tmp_path / PREVIOUS).write_text(ONE)
    assert settings.seeds() == [OTHER, ONE]
