"""How sure a status is, as nodes of several ages tell it."""

from collections.abc import Callable
from typing import Any

import pytest
from mintworks_runners.mint.machine import Commitment
from mintworks_runners.mint.rpc.chain import Chain


@pytest.mark.parametrize(
    ("told", "sure"),
    [
        ({"confirmationStatus": "finalized", "confirmations": None}, Commitment.FINALIZED),
        ({"confirmationStatus": "confirmed"}, Commitment.CONFIRMED),
        ({"confirmations": None}, Commitment.FINALIZED),
        ({"confirmations": 3}, Commitment.PROCESSED),
        ({}, Commitment.PROCESSED),
    ],
)
async def test_a_status_is_as_sure_as_it_says(
    make_node: Callable[..., Any], open_pool: Callable[..., Any], told: dict[str, Any], sure: Commitment
) -> None:
    node = await make_node(getSignatureStatuses={"context": {"slot": 9}, "value": [{"slot": 5, "err": None} | told]})
    (status,) = await Chain(await open_pool(node)).statuses(["s"], history=False) or []
    assert status is not None
    assert status.commitment is sure
