"""Misbehaviour on request: what can be asked for, and the seeded dice that decide when it strikes."""

from __future__ import annotations

import hashlib
import random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Chance = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class NetworkFaults(_Strict):
    """Faults of the network and of time; they concern every endpoint alike."""

    drop: Chance = Field(0, description="chance that a sent transaction reaches no leader")
    late: Chance = Field(0, description="chance that a sent transaction waits before it lands")
    late_slots: tuple[int, int] = Field((1, 150), description="how many slots a late transaction waits")
    skip: Chance = Field(0, description="chance that a slot has no block")
    slot_ms: int | None = Field(None, ge=1, description="another slot time; null is the chain's own")
    stalled: bool = Field(False, description="no slot ends while this is true")


class EndpointFaults(_Strict):
    """Faults of one endpoint."""

    lost_replies: Chance = Field(0, description="chance that a request is carried out and its reply lost")
    lost_methods: list[str] = Field(["sendTransaction"], description="methods whose replies get lost")
    rate_limited: Chance = Field(0, description="chance of HTTP 429")
    requests_per_second: float | None = Field(None, gt=0, description="HTTP 429 above this rate")
    retry_after: int = Field(1, ge=0, description="seconds in the Retry-After header")
    dead: bool = Field(False, description="connections are closed without an answer")
    delay_ms: int = Field(0, ge=0, description="how long every answer takes")
    lag: int = Field(0, ge=0, le=400, description="slots this endpoint is behind")
    index_lag: int = Field(0, ge=0, le=400, description="slots that statuses and histories lag behind the bank")
    hidden_rows: Chance = Field(0, description="share of rows that getSignaturesForAddress leaves out")
    null_transactions: Chance = Field(0, description="share of transactions that getTransaction does not find at first")
    null_answers: int = Field(3, ge=0, description="how often such a transaction is not found")
    no_history: bool = Field(False, description="histories answer -32011, statuses know recent transactions only")


class Faults(_Strict):
    """All faults of a localnet; what a request leaves out stays as it is."""

    seed: int = 0
    network: NetworkFaults = Field(default_factory=NetworkFaults)
    primary: EndpointFaults = Field(default_factory=EndpointFaults)
    twin: EndpointFaults = Field(default_factory=lambda: EndpointFaults(lag=0))


class Dice:
    """Chances from a seed: the same seed and the same calls give the same faults."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._random = random.Random(seed)  # noqa: S311 - reproducible faults, nothing secret

    def strikes(self, chance: float) -> bool:
        """Whether something of this chance happens now."""
        return chance > 0 and self._random.random() < chance

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return self._random.randint(low, high)

    def marked(self, share: float, name: str, thing: bytes) -> bool:
        """Whether a thing belongs to the share that a lasting fault concerns: the answer is always the same."""
        if share <= 0:
            return False
        digest = hashlib.sha256(self.seed.to_bytes(8, "little", signed=True) + name.encode() + thing).digest()
        return int.from_bytes(digest[:8], "little") < share * 2**64
