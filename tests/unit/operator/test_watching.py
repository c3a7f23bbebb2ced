"""What the event loop tells of a watch that was cut off, and what it tells of anything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from mintworks_operator.watching import unclosed


async def test_a_watch_that_cannot_be_closed_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def watched() -> AsyncIterator[None]:
        yield

    loop = asyncio.get_running_loop()
    with caplog.at_level(logging.INFO):
        unclosed(loop, {"message": "closing", "exception": RuntimeError("athrow"), "asyncgen": watched()})
        assert caplog.records == []
        unclosed(loop, {"message": "a task died", "exception": RuntimeError("why")})
    assert [(r.levelname, r.message.splitlines()[0]) for r in caplog.records] == [("ERROR", "a task died")]
