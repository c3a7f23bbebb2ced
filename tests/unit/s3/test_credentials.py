"""Credentials are read as AWS's tools keep them; what is none is told without a word of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from mintworks_runners.core.errors import InvalidInput
from mintworks_runners.core.redaction import redact
from mintworks_runners.s3.credentials import read_credentials
from mintworks_runners.s3.signing import Credentials

KEYS = "aws_access_key_id = AKIA\naws_secret_access_key = Secret/Key+of=store\n"


def read(tmp_path: Path, text: str) -> Credentials:
    path = tmp_path / "credentials"
    path.write_text(text)
    return read_credentials(path, "rows.objectStore.secret")


@pytest.mark.parametrize(
    "text",
    [
        f"[default]\n{KEYS}",
        f"\ufeff[default]\r\n{KEYS}",
        f"[other]\naws_access_key_id = x\naws_secret_access_key = y\n[default]\n{KEYS}",
        f"[only]\n{KEYS}region = eu-central-1\n",
        f"# comment\n[default]\n{KEYS}aws_session_token =\n",
    ],
)
def test_a_profile(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Credentials("AKIA", "Secret/Key+of=store")
    assert redact("it is Secret/Key+of=store!") == "it is ***!"


def test_a_temporary_account(tmp_path: Path) -> None:
    assert read(tmp_path, f"[default]\n{KEYS}aws_session_token = tok%en\n").token == "tok%en"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Secret/Key+of=store",
        KEYS,
        "[default]\naws_access_key_id = AKIA\n",
        "[default]\naws_access_key_id =\naws_secret_access_key = Secret/Key+of=store\n",
        f"[one]\n{KEYS}[two]\n{KEYS}",
        f"[default]\n{KEYS}{KEYS}",
        "[default]\naws_access_key_id = A\x01\naws_secret_access_key = Secret/Key+of=store\n",
        f"[default]\n{KEYS}" + "#" * 70_000,
    ],
)
def test_what_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, text)
    assert caught.value.reason == "InvalidSecret"
    assert "Key+of" not in str(caught.value)
    assert caught.value.findings[0].field == "rows.objectStore.secret"


def test_an_entry_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_credentials(tmp_path / "credentials", "f")
    assert caught.value.reason == "MissingSecret"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput) as caught:
        read_credentials(tmp_path / "credentials", "f")
    assert caught.value.reason == "InvalidSecret"
