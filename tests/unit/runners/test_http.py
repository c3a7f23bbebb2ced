"""Requests end: where a server is silent, goes on for ever, or sends elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from mintworks_runners.core.http import FileBody, asked, body, json_object, opened
from mintworks_runners.core.retry import Backoff, Passing, retry
from mintworks_runners.core.stop import StopSignal
from support.faulty import Fault, Faulty, Rule


@pytest.fixture
async def proxy() -> AsyncIterator[Faulty]:
    async def large(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 100_000, headers={"Content-Encoding": "identity"})

    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": request.query["after"]})

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/large")

    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"size": len(await request.read())})

    app = web.Application(client_max_size=1 << 30)
    app.add_routes([web.get("/large", large), web.get("/busy", busy), web.get("/elsewhere", elsewhere)])
    app.add_routes([web.put("/echo", echo)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Faulty(f"http://127.0.0.1:{runner.addresses[0][1]}") as made:
        yield made
    await runner.cleanup()


async def test_a_silent_server_is_given_up(proxy: Faulty) -> None:
    proxy.rules = [Rule(Fault.SILENT)]
    async with opened(read=0.2) as session:
        with pytest.raises(Passing, match="Timeout"):
            async with asked(session, "GET", f"{proxy.url}/large"):
                pass


async def test_an_answer_has_a_limit(proxy: Faulty) -> None:
    async with opened() as session, asked(session, "GET", f"{proxy.url}/large") as response:
        with pytest.raises(Passing, match="more than 1000 bytes"):
            await body(response, 1000)
    async with opened() as session, asked(session, "GET", f"{proxy.url}/large") as response:
        with pytest.raises(Passing, match="not JSON"):
            await json_object(response)


async def test_redirects_are_answers_like_others(proxy: Faulty) -> None:
    async with opened() as session, asked(session, "GET", f"{proxy.url}/elsewhere") as response:
        assert response.status == 307
    assert [request.target for request in proxy.asked] == ["/elsewhere"]


async def test_a_put_that_is_cut_is_not_repeated_behind_our_back(proxy: Faulty, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    proxy.rules = [Rule(Fault.LOST)]
    async with opened() as session:
        with pytest.raises(Passing):
            async with asked(session, "PUT", f"{proxy.url}/echo", data=FileBody(tmp_path / "file")):
                pass
        assert len(proxy.asked) == 1
        part = FileBody(tmp_path / "file", start=1_000_000, length=1_500_000)
        async with asked(session, "PUT", f"{proxy.url}/echo", data=part) as response:
            assert await json_object(response) == {"size": 1_500_000}


@pytest.mark.parametrize(("said", "seconds"), [("0.05", 0.05), ("9999", 60.0), ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0)])
async def test_a_server_says_when_to_come_back(proxy: Faulty, said: str, seconds: float) -> None:
    async with opened() as session:
        with pytest.raises(Passing) as caught:
            async with asked(session, "GET", f"{proxy.url}/busy?after={said}"):
                pass
    assert caught.value.wait == seconds


async def test_the_wait_that_was_asked_for_is_kept() -> None:
    tried = list[int]()

    class Stop(StopSignal):
        async def sleep(self, seconds: float) -> None:
            assert seconds >= 7
            tried.append(1)

    async def busy() -> None:
        raise Passing("busy", 7.0)

    with pytest.raises(Passing):
        await retry(busy, on=(Passing,), stop=Stop(), what="asking", backoff=Backoff(tries=3, delay=0.001))
    assert len(tried) == 2
