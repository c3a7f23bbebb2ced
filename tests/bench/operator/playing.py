"""The script beside a control plane, in the operator's place."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mintworks_operator.api import Resource
from mintworks_operator.watching import RESOURCES, selector

from . import floor, score
from .sides import Running, process
from .world import BURST, CONCURRENCY, WARM_UP, World

Json = dict[str, Any]

_TESTS = Path(__file__).parents[2]


@contextmanager
def playing(world: World, asked: Sequence[Json], *, kopf: bool = False) -> Iterator[Running]:
    """It plays the requests of `asked`, an operator's; `kopf`: and kopf watches for it.

    Raises ValueError where these hold one that it cannot play.
    """
    spaces = {name: score.score(asked, name) for name in (BURST, WARM_UP)}
    bodies = score.templates(asked, WARM_UP)
    score.playable(spaces, bodies)
    plan = {
        "kopf": kopf,
        "server": world.server,
        "token": world.token,
        "ca": str(world.keys / "ca.crt"),
        "spaces": spaces,
        "watched": {name: [[one.path(name), _selector(one)] for one in RESOURCES] for name in spaces},
        "bodies": bodies,
        "slots": CONCURRENCY,
    }
    path = world.folder / "plan.json"
    path.write_text(json.dumps(plan))
    command = [sys.executable, "-m", "bench.operator.floor", str(path)]
    environment = {"PYTHONPATH": str(_TESTS), "KUBECONFIG": str(world.kubeconfig)}
    with process(world, "floor on kopf" if kopf else "floor", command, environment, floor.READY) as running:
        yield running


def _selector(resource: Resource) -> str:
    chosen = selector(resource)
    return "" if chosen is None else f"labelSelector={quote(chosen)}"
