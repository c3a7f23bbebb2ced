"""The Python API for tests: `async with Localnet(slot_ms=50) as chain: … chain.url`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from solders.pubkey import Pubkey

from mintworks_dev.localnet.genesis import LAMPORTS_PER_SOL, CollectionNft, Funded
from mintworks_dev.localnet.server import Server
from mintworks_dev.localnet.world import Settings, World


class Localnet:
    """A localnet in this process and event loop, on a port of 127.0.0.1 that the system chooses.

    `fund` gives addresses SOL, `collections` are (mint, authority) pairs. With `state` the chain outlives the object.
    A twin endpoint, `twin_lag` slots behind, listens on a port of its own.
    """

    def __init__(
        self,
        *,
        slot_ms: int = 50,
        state: Path | None = None,
        genesis_seed: str | None = None,
        fund: Sequence[tuple[Pubkey, float]] = (),
        collections: Sequence[tuple[Pubkey, Pubkey]] = (),
        fault_seed: int = 0,
        twin_lag: int = 0,
        port: int = 0,
    ) -> None:
        settings = Settings(
            slot_ms=slot_ms,
            state=state,
            genesis_seed=genesis_seed,
            funded=tuple(Funded(address, round(sol * LAMPORTS_PER_SOL)) for address, sol in fund),
            collections=tuple(CollectionNft(mint, authority) for mint, authority in collections),
            fault_seed=fault_seed,
            twin_lag=twin_lag,
        )
        self._server = Server(settings, "127.0.0.1", port, twin_port=0)

    async def __aenter__(self) -> Self:
        """Starts it."""
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        await self._server.__aexit__(kind, error, trace)

    @property
    def world(self) -> World:
        """The chain itself, for what the RPC does not show."""
        return self._server.world

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def twin_url(self) -> str:
        """The endpoint that lags."""
        return f"http://127.0.0.1:{self._server.twin_port}"

    def faults(self, **changes: Any) -> None:
        """Sets faults: `faults(network={"drop": 0.3}, primary={"lost_replies": 0.5})`; the rest stays as it is."""
        self.world.set_faults(changes)

    def advance(self, slots: int) -> None:
        """Lets slots pass at once."""
        self.world.advance(slots)

    def fork(self, slots: int, *, keep: bool = True) -> int:
        """Drops the newest unfinalized slots; with `keep` their transactions are tried again. Returns how many."""
        return self.world.fork(slots, keep=keep)
