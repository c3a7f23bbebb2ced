"""The sender against real servers on this machine: what it takes for an answer, and whom it does not call at all."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.cluster.pki import SERVER, Authority, Leaf
from mintworks_operator.core import Delivery, Notify
from mintworks_operator.webhooks import sender as module
from mintworks_operator.webhooks.networks import Networks
from mintworks_operator.webhooks.sender import Sender
from mintworks_operator.webhooks.settings import AUTHORITIES, SEED, Settings
from mintworks_operator.webhooks.signing import Keys
from support.hooks import ENDLESS, HANGS, Receiver, receiving

LOCAL = Networks.parse(["127.0.0.1/32"], [])
SECRET = Keys("a-seed-of-webhooks", "genesis").secret


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / SEED).write_text("a-seed-of-webhooks")
    return tmp_path


async def send(url: str, folder: Path, **settings: Any) -> Delivery:
    allowed: dict[str, Any] = {"allow_http": True, "networks": LOCAL, **settings}
    sender = Sender(Settings(folder, **allowed), lambda: datetime.now(UTC))
    return await sender.send("genesis", Notify("msg_1", 3, url, {"type": "mintjob.failed"}))


async def test_it_is_a_signed_post_of_json(receiver: Receiver, folder: Path) -> None:
    found = await send(f"{receiver.url}/good", folder)
    assert (found.id, found.attempt, found.code, found.error) == ("msg_1", 3, 204, "")
    (call,) = receiver.at("/good")
    assert json.loads(call.body) == {"type": "mintjob.failed"}
    assert (call.id, call.headers["content-type"]) == ("msg_1", "application/json")
    assert call.signed_by(SECRET)
    assert abs(int(call.headers["webhook-timestamp"]) - time.time()) < 30


@pytest.mark.parametrize("code", [302, 307, 400, 404, 429, 500, 503])
async def test_whatever_else_it_answers_is_a_failure(receiver: Receiver, folder: Path, code: int) -> None:
    receiver.answers[f"/{code}"] = [code]
    receiver.headers[f"/{code}"] = {"Location": f"{receiver.url}/elsewhere", "Retry-After": "120"}
    found = await send(f"{receiver.url}/{code}", folder)
    assert (found.code, found.final, found.retry_after) == (code, False, timedelta(minutes=2))
    assert str(code) in found.error
    assert receiver.at("/elsewhere") == []
    assert "cookie" not in receiver.at(f"/{code}")[0].headers


async def test_gone_is_final(receiver: Receiver, folder: Path) -> None:
    receiver.answers["/gone"] = [410]
    found = await send(f"{receiver.url}/gone", folder)
    assert (found.code, found.final) == (410, True)


async def test_a_receiver_that_hangs_is_left(receiver: Receiver, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
    receiver.answers["/hangs"] = [HANGS]
    began = time.monotonic()
    found = await send(f"{receiver.url}/hangs", folder)
    assert (found.code, "no answer" in found.error) == (None, True)
    assert time.monotonic() - began < 5


async def test_an_answer_that_never_ends_is_not_read(receiver: Receiver, folder: Path) -> None:
    receiver.answers["/endless"] = [ENDLESS]
    began = time.monotonic()
    assert (await send(f"{receiver.url}/endless", folder)).error == ""
    assert time.monotonic() - began < 5


async def test_nobody_listens(folder: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = await send(f"http://127.0.0.1:{unused.getsockname()[1]}/", folder)
    assert found.error == "it cannot be reached: Connection refused"


async def test_a_name_that_nobody_has(folder: Path) -> None:
    assert (await send("http://nobody.invalid/", folder)).error == "its name is not known"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "[fe80::1%25lo]",
    ],
)
async def test_an_address_that_is_not_of_the_internet_is_not_called(
    receiver: Receiver, folder: Path, host: str
) -> None:
    port = receiver.url.rpartition(":")[2]
    found = await send(f"http://{host}:{port}/refused", folder, networks=Networks())
    assert "not of the internet" in found.error, found
    assert receiver.at("/refused") == []
    # Nor does the status tell what a name stands for.
    assert "127" not in found.error


@pytest.mark.parametrize("host", ["127.1", "127.0.0.1.", "2130706433", "0x7f.1", "0177.0.0.1"])
async def test_other_ways_to_write_an_address_lead_nowhere(receiver: Receiver, folder: Path, host: str) -> None:
    port = receiver.url.rpartition(":")[2]
    found = await send(f"http://{host}:{port}/odd", folder, networks=Networks())
    assert found.error
    assert receiver.at("/odd") == []


async def test_a_name_with_one_bad_address_among_its_good_ones_is_not_called(
    receiver: Receiver, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As with DNS rebinding. There is no name server here that would answer so: the system's own answer is replaced."""
    port = int(receiver.url.rpartition(":")[2])
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    answers = [(*info, ("127.0.0.1", port)), (*info, ("127.0.0.2", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with caplog.at_level(logging.WARNING):
        found = await send(f"http://hooks.example:{port}/mixed", folder)
    assert "not of the internet" in found.error
    assert receiver.at("/mixed") == []
    assert "127.0.0.2 is loopback" in caplog.text
    answers.pop()
    assert (await send(f"http://hooks.example:{port}/mixed", folder)).error == ""


async def test_a_name_is_looked_up_once_and_that_answer_is_called(
    receiver: Receiver, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = int(receiver.url.rpartition(":")[2]), list[str]()

    def answer(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert (await send(f"http://hooks.example:{port}/once", folder)).error == ""
    assert asked == ["hooks.example"]


async def test_a_name_server_that_hangs_holds_nobody_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
    began = time.monotonic()
    assert "no answer" in (await send("https://hooks.example/", folder)).error
    assert time.monotonic() - began < 2


async def test_http_is_allowed_or_not(receiver: Receiver, folder: Path) -> None:
    found = await send(f"{receiver.url}/plain", folder, allow_http=False)
    assert (found.final, "http is not allowed" in found.error) == (True, True)
    assert receiver.at("/plain") == []


async def test_without_a_seed_nothing_is_sent(receiver: Receiver, tmp_path: Path) -> None:
    found = await send(f"{receiver.url}/unsigned", tmp_path)
    assert (found.final, "webhooks.seed" in found.error) == (True, True)
    assert receiver.at("/unsigned") == []


async def test_no_proxy_of_the_environment_is_used(
    receiver: Receiver, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await send(f"{receiver.url}/direct", folder)).error == ""


async def test_a_receiver_is_who_its_certificate_says(tmp_path: Path, folder: Path) -> None:
    authority = Authority(tmp_path, datetime.now(UTC))
    for name, host in (("good", "127.0.0.1"), ("other", "other.example")):
        authority.issue(name, Leaf(name, usages=(SERVER,), hosts=(host,)))
    trust = {}
    for name in ("good", "other"):
        trust[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust[name].load_cert_chain(tmp_path / f"{name}.crt", tmp_path / f"{name}.key")
    with receiving(trust=trust["good"]) as good, receiving(trust=trust["other"]) as other:
        assert "certificate is not good" in (await send(f"{good.url}/", folder, allow_http=False)).error
        (folder / AUTHORITIES).write_text(authority.path.read_text())
        assert (await send(f"{good.url}/", folder, allow_http=False)).error == ""
        assert "certificate is not good" in (await send(f"{other.url}/", folder, allow_http=False)).error
        assert (len(good.calls), len(other.calls)) == (1, 0)


async def test_what_cannot_be_signed_is_a_failure_and_no_end(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / SEED).write_text("short")
    found = await send(f"{receiver.url}/short", tmp_path)
    assert (found.final, found.error) == (False, "the operator could not send it; its log says why")
