"""Manifests work unchanged against any JSON-RPC that is not ours: nothing rests on what only the localnet does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mintworks_runners
from aiohttp import ClientSession
from support.foreign import METHODS, Foreign
from support.minting import DONE, Minter, MintRuns

SOURCE = Path(next(iter(mintworks_runners.__path__))) / "mint"
CALLS = {"call", "ask", "all", "call_one", "tell_one", "_maybe"}
FIRST, ALL = 9, 30


def methods_in_source() -> Iterator[str]:
    """The JSON-RPC methods that the runner names when it asks an endpoint."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
                names = (n.value for n in node.args if isinstance(n, ast.Constant) and isinstance(n.value, str))
                yield from (name for name in names if name.isidentifier())


async def test_a_drop_needs_nothing_but_what_solana_publishes(tmp_path: Path) -> None:
    """A tree made, items minted, history read back, the rest minted, all audited; every question is a published one,
    and every answer is stripped of what is not.
    """
    minter = Minter()
    async with (
        minter.localnet(slot_ms=50) as net,
        Foreign(net.url, seconds=0.02) as one,
        Foreign(net.url, seconds=0.1, batches=False) as other,
    ):
        size = {"create": {"capacity": ALL}}
        dry = MintRuns(tmp_path / "dry", minter, [one.url, other.url], ALL, tree=size, dryRun=True)
        assert await dry.here() == DONE, dry.run.termination
        made = MintRuns(tmp_path / "made", minter, [one.url, other.url], FIRST, tree=size)
        assert await made.here() == DONE, made.run.termination
        rest = MintRuns(tmp_path / "rest", minter, [other.url, one.url], ALL, tree=size, hurry=net)
        assert await rest.here() == DONE, rest.run.termination
        result = rest.run.termination["result"]
        assert (result["minted"], result["already"], result["audit"]) == (ALL - FIRST, FIRST, "ok")
        await rest.check(net.url)
    asked = [*one.asked, *other.asked]
    assert [*one.wrong, *other.wrong] == []
    # None that the source names was left out here, and none is made up at run time.
    assert {method for method, _ in asked} == {*methods_in_source()} == {*METHODS}
    # A node's own default is not relied on: whatever takes a commitment is told one, and never `processed`.
    for method, config in asked:
        if "commitment" in METHODS[method].config:
            assert config.get("commitment") in {"confirmed", "finalized"}, method


async def test_what_is_not_published_is_refused() -> None:
    """The endpoint of the test above can tell: it refuses, and notes it."""
    asked: tuple[tuple[str, list[Any]], ...] = (
        ("getBlockHeight", []),
        ("getSlot", [{"commitment": "finalized", "lag": 3}]),
        ("getBalance", []),
    )
    async with Minter().localnet() as net, Foreign(net.url) as foreign, ClientSession() as session:
        for method, params in asked:
            call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            async with session.post(foreign.url, json=call) as answer:
                assert "error" in await answer.json()
        async with session.get(f"{foreign.url}/faults") as page:
            assert page.status == 404
        assert len(foreign.wrong) == 4
        assert foreign.asked == []
