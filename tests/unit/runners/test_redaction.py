"""What was concealed is not told, in whatever notation it comes back; everything else is told as it is."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_runners.core import redaction
from mintworks_runners.core.channel import NoChannel
from mintworks_runners.core.errors import AttemptFailed, Finding, InvalidInput
from mintworks_runners.core.log import JsonLines
from mintworks_runners.core.redaction import conceal, conceal_url, redact
from mintworks_runners.core.report import Reporter
from mintworks_runners.core.termination import encode_failure
from mintworks_runners.mint.keys import read_keypair
from solders.keypair import Keypair

URL = "https://rpc.example.com:8899/v2/Zk3-path-key-77aa?api-key=Qy8_query%2Fkey&net=main"
PARTS = ("Zk3-path-key-77aa", "Qy8_query%2Fkey", "Qy8_query/key")


@pytest.fixture(autouse=True)
def nothing_concealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_SECRETS", redaction._Secrets())


def test_user_info_is_left_out_of_any_url() -> None:
    assert redact("redis://mint:s3cret@redis:6379/0 away") == "redis://***@redis:6379/0 away"
    assert redact("mail a@b and http://host/@x") == "mail a@b and http://host/@x"


@pytest.mark.parametrize("text", [URL, *PARTS, f"not found: {URL}", "POST /v2/Zk3-path-key-77aa failed", quote(URL)])
def test_what_a_url_holds_is_not_told(text: str) -> None:
    conceal_url(URL)
    told = redact(text)
    assert not any(part in told for part in PARTS), told


def test_where_a_url_leads_is_told() -> None:
    conceal_url(URL)
    conceal_url("http://127.0.0.1:8899")
    for text in ("https://rpc.example.com:8899 lags", "http://127.0.0.1:8899: getSlot: ReadTimeout", "mainnet"):
        assert redact(text) == text


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("redis://tenant-a:pass-w0rd@redis:6379/0", "pass-w0rd"),
        ("redis://:p%40ss-w0rd@redis:6379/0", "p@ss-w0rd"),
        ("https://api-key-alone@rpc.example.com/", "api-key-alone"),
        ("redis://tenant-a:pa/ss-w0rd@redis", "ss-w0rd"),
        ("https://[not-an-address-0123456789", "not-an-address-0123456789"),
        ("no-url-but-a-k3y", "no-url-but-a-k3y"),
    ],
)
def test_credentials_of_other_forms(url: str, secret: str) -> None:
    conceal_url(url)
    assert secret not in redact(f"it said: {url}")
    assert url not in redact(f"it said: {url}")


def test_a_users_name_is_told() -> None:
    conceal_url("redis://default:pass-w0rd@redis:6379/0")
    assert redact("namespace default") == "namespace default"


def test_short_words_are_no_secrets() -> None:
    conceal("", "x", "abc")
    assert redact("abc xyz") == "abc xyz"


@given(st.text(min_size=4).filter(lambda s: len(s.strip()) >= 4 and "*" not in s), st.text(), st.text())
def test_nothing_concealed_is_left(secret: str, before: str, after: str) -> None:
    conceal(secret)
    assert secret.strip() not in redact(f"{before}{secret}{after}")
    assert json.dumps(secret.strip())[1:-1] not in redact(json.dumps(f"{before}{secret}{after}"))


def test_the_longest_is_hidden_first() -> None:
    conceal("abcdef", "abcdefghij", "cdefgh")
    assert redact("abcdefghij") == "***"


# --- what leaves the process ------------------------------------------------------------------------------------------


def line_of(error: Exception) -> str:
    record = logging.getLogger("test").makeRecord("test", logging.ERROR, "f", 1, "failed: %s", (error,), None)
    record.exc_info = (type(error), error, error.__traceback__)
    return JsonLines().format(record)


def test_a_traceback_tells_no_secret() -> None:
    conceal_url(URL)

    def failing() -> None:
        try:
            int(URL)
        except ValueError as error:
            raise RuntimeError("while asking") from error

    with pytest.raises(RuntimeError) as caught:
        failing()
    line = line_of(caught.value)
    assert "while asking" in line
    assert not any(part in line for part in PARTS)


@pytest.mark.parametrize(
    "made",
    [
        lambda text: AttemptFailed("Unexpected", text),
        lambda text: InvalidInput.one("InvalidSpec", text, field="solana"),
        lambda text: InvalidInput.one("InvalidSpec", "bad", field=text, column=text),
        lambda text: InvalidInput([Finding("A", text), Finding("B", text, row=2)]),
    ],
)
@pytest.mark.parametrize("start", range(0, 520, 13))
def test_a_termination_message_tells_no_secret_and_no_half_of_one(
    made: Callable[[str], AttemptFailed | InvalidInput], start: int
) -> None:
    conceal_url(URL)
    said = encode_failure(made("x" * start + URL)).decode()
    assert "Zk3-path" not in said
    assert "Qy8_" not in said


def test_progress_tells_no_secret() -> None:
    conceal_url(URL)
    reporter = Reporter(NoChannel(), run=1)
    reporter.progress(1, "mint", f"asking {URL}")
    assert reporter._progress is not None
    assert not any(part in reporter._progress["message"] for part in PARTS)


def test_a_keypair_is_not_told_in_any_notation(tmp_path_factory: pytest.TempPathFactory) -> None:
    keypair = Keypair()
    path = tmp_path_factory.mktemp("secret") / "id.json"
    path.write_text(json.dumps(list(bytes(keypair)), indent=1))
    assert read_keypair(path, "spec.wallet.secret") == keypair
    secret = bytes(keypair)
    for text in (str(keypair), secret.hex(), str(list(secret)), str(list(secret)[:32]), path.read_text(), repr(secret)):
        assert text not in redact(f"oh: {text}")
    assert redact(str(keypair.pubkey())) == str(keypair.pubkey())


def test_an_error_outside_of_the_run_is_a_log_line_too() -> None:
    code = (
        "from mintworks_runners.core import log, redaction\n"
        "log.configure(); redaction.conceal('s3cret-w0rd')\n"
        "raise OSError('cannot write s3cret-w0rd')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == ""
    assert json.loads(done.stdout)["exception"].endswith("OSError: cannot write ***")
