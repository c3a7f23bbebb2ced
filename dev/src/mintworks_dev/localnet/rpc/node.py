"""An endpoint: a chain seen through the endpoint's faults."""

from __future__ import annotations

from typing import Any

from mintworks_dev.localnet.chain import Chain, View
from mintworks_dev.localnet.faults import Dice, EndpointFaults
from mintworks_dev.localnet.network import Network
from mintworks_dev.localnet.rpc.errors import MIN_CONTEXT_SLOT, NO_HISTORY, RpcError
from mintworks_dev.localnet.rpc.params import commitment

API_VERSION = "2.2.0"


class Node:
    """What the methods work on. `now` is the time in seconds since 1970, set by the server before each request."""

    def __init__(self, name: str, network: Network, faults: EndpointFaults, dice: Dice, slot_ms: int) -> None:
        self.name = name
        self.network = network
        self.faults = faults
        self.dice = dice
        self.slot_ms = slot_ms
        self.now = 0
        self.airdrops = 0
        self.denied: dict[bytes, int] = {}

    @property
    def chain(self) -> Chain:
        """The chain."""
        return self.network.chain

    def view(self, config: dict[str, Any], default: str = "finalized") -> View:
        """What is seen at the commitment asked for; -32016 where minContextSlot is not reached yet."""
        view = self.chain.view(commitment(config, default), self.faults.lag)
        least = config.get("minContextSlot")
        if least is not None and view.slot < least:
            message = "Minimum context slot has not been reached"
            raise RpcError(MIN_CONTEXT_SLOT, message, {"contextSlot": view.slot})
        return view

    @property
    def index_lag(self) -> int:
        """Slots that histories and statuses are behind the chain's tip."""
        return self.faults.lag + self.faults.index_lag

    def need_history(self) -> None:
        """-32011 while this node is told to keep none."""
        if self.faults.no_history:
            raise RpcError(NO_HISTORY, "Transaction history is not available from this node")

    def with_context(self, view: View, value: object) -> dict[str, Any]:
        """An answer with the slot it holds for."""
        return {"context": {"apiVersion": API_VERSION, "slot": view.slot}, "value": value}
