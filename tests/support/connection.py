"""Connections to an API server that a test names: the operator's, and the library's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config
from kubernetes.aio import client
from kubernetes.aio import config as aio_config
from mintworks_operator.api import Api

#: The port `discard`, where nobody listens: whatever asks there, fails.
NOWHERE = "http://127.0.0.1:9"


@asynccontextmanager
async def connected(url: str = NOWHERE) -> AsyncIterator[Api]:
    """A connection to the API server there, without credentials."""
    async with _closed(Api(client.ApiClient(client.Configuration(host=url)))) as api:
        yield api


@asynccontextmanager
async def connected_by(kubeconfig: Path) -> AsyncIterator[Api]:
    """A connection to the API server of that file, with its credentials."""
    settings: Any = client.Configuration()
    load: Any = aio_config.load_kube_config
    await load(config_file=str(kubeconfig), client_configuration=settings)
    async with _closed(Api(client.ApiClient(settings))) as api:
        yield api


def library(kubeconfig: Path) -> Any:
    """The library's connection, for its clients."""
    # The library's types stop at its generated models; a test reads what comes back.
    connect: Any = config.new_client_from_config_dict
    return connect(yaml.safe_load(kubeconfig.read_text()))


@asynccontextmanager
async def _closed(api: Api) -> AsyncIterator[Api]:
    try:
        yield api
    finally:
        await api.close()
