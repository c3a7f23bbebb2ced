"""The operator's configuration: environment variables, each of which is a flag too."""

from __future__ import annotations

import argparse
import json
import os
import socket
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mintworks_api import JOB_KINDS, parse_quantity
from pydantic import ValidationError

from .core import Allowed
from .webhooks.settings import Settings, Values

RESOURCES: Mapping[str, Any] = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


@dataclass(frozen=True)
class Config:
    """What the chart decides."""

    namespaces: tuple[str, ...]
    images: Mapping[str, str]
    image_pull_policy: str
    resources: Mapping[str, Any]
    runner_allowed: Allowed
    redis_file: Path
    redis_secret: str
    service_account: str
    lease_namespace: str
    lease_name: str
    identity: str
    log_level: str
    metrics_port: int
    health_port: int
    webhooks: Settings
    workers: int
    resync: float
    total_concurrency: int | None

    def serves(self, namespace: str) -> bool:
        """Whether jobs of that namespace are run."""
        return namespace in self.namespaces


class ConfigError(Exception):
    """A setting has no usable value; the message names it."""


def load(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration from flags, else environment, else defaults.

    Raises:
        ConfigError: a value cannot be used.
    """
    args = _parser(environ).parse_args(argv)
    namespaces = tuple(n.strip() for n in args.namespaces.split(",") if n.strip())
    images = _json("MINTWORKS_IMAGES", args.images)
    missing = sorted({kind.image for kind in JOB_KINDS.values()} - images.keys())
    if missing:
        raise ConfigError(f"MINTWORKS_IMAGES names no image for {', '.join(missing)}")
    return Config(
        namespaces=namespaces,
        images=images,
        image_pull_policy=args.image_pull_policy,
        resources=_resources(args.runner_resources),
        runner_allowed=_allowed(args.runner_allowed),
        redis_file=Path(args.redis_file),
        redis_secret=args.redis_secret,
        service_account=args.service_account,
        lease_namespace=args.lease_namespace,
        lease_name=args.lease_name,
        identity=args.identity,
        log_level=args.log_level.upper(),
        metrics_port=args.metrics_port,
        health_port=args.health_port,
        webhooks=_webhooks(Path(args.webhooks_folder), args.webhooks),
        workers=args.workers,
        resync=args.resync_seconds,
        total_concurrency=_most(args.total_concurrency),
    )


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mintworks_operator", description="The Mintworks operator.")

    def setting(name: str, default: str, what: str, type_: Callable[[str], object] = str) -> None:
        variable = f"MINTWORKS_{name.upper().replace('-', '_')}"
        value = environ.get(variable) or default
        parser.add_argument(f"--{name}", default=value, type=type_, help=f"{what} ({variable}, default: {default!r})")

    setting("namespaces", "", "namespaces to serve, separated by commas")
    setting("images", '{"runner": "mintworks/runner:latest"}', "images by name, a JSON object")
    setting("image-pull-policy", "IfNotPresent", "pull policy of runner images")
    setting("runner-resources", json.dumps(RESOURCES), "resources of runner containers, a JSON object")
    setting("runner-allowed", "{}", "what jobs may ask of their runner's pod, a JSON object")
    setting("redis-file", "/mintworks/redis/url", "file that holds the URL of Redis")
    setting("redis-secret", "mintworks-redis", "Secret of a tenant that holds its URL of Redis in `url`")
    setting("service-account", "mintworks-runner", "service account of runner pods")
    setting("lease-namespace", "default", "namespace of the leader's Lease")
    setting("lease-name", "mintworks", "name of the leader's Lease")
    # Two that give themselves the same name would both lead.
    identity = f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
    setting("identity", identity, "name of this replica, which no other process may have")
    setting("log-level", "info", "debug, info, warning or error")
    setting("metrics-port", "8080", "port of /metrics", int)
    setting("health-port", "8081", "port of /healthz", int)
    setting("webhooks", "{}", "who may be called by webhooks, a JSON object")
    setting("webhooks-folder", "/mintworks/webhooks", "folder with the seed of webhooks' keys; without it they are off")
    setting("workers", "16", "passes that run at once", int)
    setting("resync-seconds", "300", "time between LISTs of everything, which find what a watch lost", float)
    setting("total-concurrency", "", "runs in all namespaces at once; empty: any number")
    return parser


def _most(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"MINTWORKS_TOTAL_CONCURRENCY must be a number from 1, or empty: {text!r}")
    return int(text)


def _resources(text: str) -> Mapping[str, Any]:
    name = "MINTWORKS_RUNNER_RESOURCES"
    found = _json(name, text)
    for part, values in found.items():
        if part not in {"requests", "limits"} or not isinstance(values, dict):
            raise ConfigError(f"{name} must hold requests and limits, each an object")
        _check_quantities(name, values.values())
    return found


def _allowed(text: str) -> Allowed:
    name = "MINTWORKS_RUNNER_ALLOWED"
    try:
        found = Allowed.model_validate(_json(name, text))
    except ValidationError as error:
        raise ConfigError(f"{name}: {error}") from error
    _check_quantities(name, (most for most in (found.cpu, found.memory) if most != ""))
    return found


def _webhooks(folder: Path, text: str) -> Settings:
    name = "MINTWORKS_WEBHOOKS"
    try:
        found = Values.model_validate(_json(name, text))
        return Settings(folder, found.allow_http, found.networks())
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


def _check_quantities(name: str, values: Iterable[Any]) -> None:
    try:
        for value in values:
            parse_quantity(value)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


def _json(name: str, text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{name} must be a JSON object")
    return value
