"""A control plane with nodes that run nothing, freshly started: what every side of a comparison begins with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from mintworks_dev.cluster import ControlPlane, Kwok
from support.chaos.storm import credentials
from support.specs import RESULTS

from .person import PARALLEL, Person

Json = dict[str, Any]

ROOT = Path(__file__).parents[3]
BURST, WARM_UP = "bench", "warm-up"
"""The namespaces. What is asked for in the second one is in the audit log with its bodies."""
QUEUE = "bench"
CONCURRENCY = {BURST: 500, WARM_UP: 10}
"""Of the queue in each. In the first one as many as there can be; in the second so few that jobs wait in line."""
RUN_SECONDS = 0.2
"""What a run takes at least; kwok makes it up to three times as long."""
_ACCOUNT = "bench"
USER = f"system:serviceaccount:default:{_ACCOUNT}"
"""Who every operator is: a service account that may do everything."""


@dataclass(frozen=True)
class World:
    """A running control plane. `kubeconfig` and `token` are of `USER`; `folder` is for files of this world alone."""

    plane: ControlPlane
    folder: Path
    kubeconfig: Path
    token: str

    @property
    def server(self) -> str:
        """The API server's URL."""
        return credentials(self.plane)[0]

    @property
    def keys(self) -> Path:
        """The folder of its certificates."""
        return self.plane.kubeconfig.parent / "pki"

    def asked(self) -> list[Json]:
        """The answered requests of `USER` so far."""
        return [event for event in self.plane.audit(USER) if "objectRef" in event]

    @asynccontextmanager
    async def person(self) -> AsyncIterator[Person]:
        """Who creates objects and looks at them."""
        server, context = credentials(self.plane)
        # Room for the watches, too: a request that waits for a connection is not under way.
        connector = aiohttp.TCPConnector(ssl=context, limit=PARALLEL + 8)
        async with aiohttp.ClientSession(server, connector=connector, read_bufsize=1 << 22) as session:
            yield Person(session)


@contextmanager
def fresh(*, seconds: float = RUN_SECONDS) -> Iterator[World]:
    """A new one with our kinds, two namespaces with a queue each, and nodes on which a run takes so long."""
    with (
        tempfile.TemporaryDirectory(prefix="mintworks-bench-") as scratch,
        ControlPlane(crds=True, scheduler=True, audited=True, bodies=WARM_UP) as plane,
    ):
        plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(_things()))
        with Kwok(plane, RESULTS, seconds=seconds):
            token = plane.kubectl("create", "token", _ACCOUNT, "--namespace", "default", "--duration=24h").strip()
            yield World(plane, Path(scratch), _kubeconfig(plane, Path(scratch), token), token)


def _things() -> list[Json]:
    made: list[Json] = [_named("v1", "ServiceAccount", _ACCOUNT, "default")]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": "default"}
    binding = _named("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", _ACCOUNT)
    made.append({**binding, "roleRef": role, "subjects": [subject]})
    for name, concurrency in CONCURRENCY.items():
        made.append(_named("v1", "Namespace", name))
        made.append(_named("v1", "ServiceAccount", "mintworks-runner", name))
        queue = _named("mintworks.dev/v1alpha1", "JobQueue", QUEUE, name)
        made.append({**queue, "spec": {"concurrency": concurrency}})
    return made


def _named(version: str, kind: str, name: str, namespace: str = "") -> Json:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **place}}


def _kubeconfig(plane: ControlPlane, folder: Path, token: str) -> Path:
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path
