"""A JSON-RPC endpoint that is not ours, in front of a localnet: it knows what Solana publishes and nothing else.

The published list: https://solana.com/docs/rpc/http (a page a method), held against Agave's
rpc-client-types/src/config.rs at 1b45fdc4. `withContext` of newer nodes is left out: older ones refuse it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from support.standin import StandIn

METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
FORBIDDEN = 403
_BANK = frozenset({"commitment", "minContextSlot"})


@dataclass(frozen=True)
class Published:
    """A method as published: how many parameters stand before its configuration object, what that may hold, and the
    fields of its answer (of each entry or of the value, where there are such; empty: the answer is no object).
    """

    places: int = 0
    config: frozenset[str] = frozenset()
    answer: frozenset[str] = frozenset()


METHODS: Mapping[str, Published] = {
    "getGenesisHash": Published(),
    "getSlot": Published(0, _BANK),
    "getEpochInfo": Published(
        0,
        _BANK,
        frozenset({"absoluteSlot", "blockHeight", "epoch", "slotIndex", "slotsInEpoch", "transactionCount"}),
    ),
    "getLatestBlockhash": Published(0, _BANK, frozenset({"blockhash", "lastValidBlockHeight"})),
    "getMultipleAccounts": Published(
        1,
        _BANK | {"encoding", "dataSlice"},
        frozenset({"lamports", "owner", "data", "executable", "rentEpoch", "space"}),
    ),
    "getBalance": Published(1, _BANK),
    "getMinimumBalanceForRentExemption": Published(1, frozenset({"commitment"})),
    "getRecentPrioritizationFees": Published(1, frozenset(), frozenset({"slot", "prioritizationFee"})),
    "getSignatureStatuses": Published(
        1,
        frozenset({"searchTransactionHistory"}),
        frozenset({"slot", "confirmations", "err", "status", "confirmationStatus"}),
    ),
    "getSignaturesForAddress": Published(
        1,
        _BANK | {"limit", "before", "until"},
        frozenset({"signature", "slot", "err", "memo", "blockTime", "confirmationStatus"}),
    ),
    "getTransaction": Published(
        1,
        frozenset({"commitment", "encoding", "maxSupportedTransactionVersion"}),
        frozenset({"slot", "transaction", "blockTime", "meta", "version"}),
    ),
    "sendTransaction": Published(
        1, frozenset({"encoding", "skipPreflight", "preflightCommitment", "maxRetries", "minContextSlot"})
    ),
    "simulateTransaction": Published(
        1,
        _BANK | {"encoding", "sigVerify", "replaceRecentBlockhash", "innerInstructions", "accounts"},
        frozenset({"err", "logs", "accounts", "unitsConsumed", "returnData", "innerInstructions"}),
    ),
}

META = frozenset(
    {
        *("err", "fee", "preBalances", "postBalances", "innerInstructions", "preTokenBalances", "postTokenBalances"),
        *("logMessages", "rewards", "status", "loadedAddresses", "returnData", "computeUnitsConsumed"),
    }
)
"""The fields of a transaction's meta."""


class Foreign(StandIn):
    """Use it as an async context manager. It refuses what is not published, leaves out of answers what is not, takes
    its time, and, where it is told to, takes one request a message, or lacks a method, which it says with this HTTP
    status, and if that is 403, in no JSON.
    """

    def __init__(
        self, upstream: str, *, seconds: float = 0.0, batches: bool = True, lacks: str = "", status: int = 200
    ) -> None:
        """`seconds` is what every answer takes at least."""
        self._lacks, self._status = lacks, status
        self._upstream, self._seconds, self._batches = upstream, seconds, batches
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """(method, configuration object), in their order."""
        self.wrong: list[str] = []
        """What was asked for that no node has to know."""

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{self.address}"

    def application(self) -> web.Application:
        """Any path: what is asked for wrongly is remembered."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.Response:
        if request.method != "POST" or request.path != "/":
            self.wrong.append(f"{request.method} {request.path}")
            return web.Response(status=404)
        await asyncio.sleep(self._seconds)
        body = await request.json()
        if not isinstance(body, list):
            if body["method"] == self._lacks and self._status == FORBIDDEN:
                self._refused(body, METHOD_NOT_FOUND, f"{self._lacks} is not published")
                return web.Response(status=FORBIDDEN, text="<html>not part of your plan</html>")
            return _json(await self._one(body), self._status if body["method"] == self._lacks else 200)
        if not self._batches:
            return web.Response(status=403, text="one request a message")
        return _json([await self._one(call) for call in body])

    async def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        method, params = call["method"], call["params"]
        published = None if method == self._lacks else METHODS.get(method)
        if published is None:
            return self._refused(call, METHOD_NOT_FOUND, f"{method} is not published")
        given = params[published.places :]
        config = given[0] if given else {}
        unknown = {*config} - published.config
        if len(given) > 1 or len(params) < published.places or unknown:
            return self._refused(call, INVALID_PARAMS, f"{method} takes no {unknown or params}")
        self.asked.append((method, config))
        async with self._session.post(self._upstream, json=call) as passed:
            answer: dict[str, Any] = await passed.json()
        if "result" in answer:
            answer["result"] = _only(answer["result"], published.answer)
        return answer

    def _refused(self, call: dict[str, Any], code: int, message: str) -> dict[str, Any]:
        self.wrong.append(message)
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}


def _only(result: Any, fields: frozenset[str]) -> Any:
    """An answer without what is not published of it."""
    if isinstance(result, list):
        return [_only(entry, fields) for entry in result]
    if not isinstance(result, dict):
        return result
    if "context" in result:
        return {"context": {"slot": result["context"]["slot"]}, "value": _only(result["value"], fields)}
    left = {name: value for name, value in result.items() if name in fields}
    if left.get("meta"):
        left["meta"] = {name: value for name, value in left["meta"].items() if name in META}
    return left


def _json(content: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(content), content_type="application/json")
