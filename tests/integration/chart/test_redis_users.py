"""The chart's configuration starts a real Redis, in which a tenant reaches its own keys and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from mintworks_dev import debian
from mintworks_dev.cluster.controlplane import free_ports
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from .conftest import Manifest, Render

Url = dict[str, str]


def named(manifests: list[Manifest], kind: str, name: str, namespace: str = "mintworks") -> Manifest:
    return next(
        m
        for m in manifests
        if (m["kind"], m["metadata"]["name"], m["metadata"].get("namespace")) == (kind, name, namespace)
    )


@pytest.fixture(scope="module")
def urls(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Url]:
    """Redis with the chart's configuration; the URL of each user, by namespace (mintworks: the operator)."""
    made = render("tenants[0].namespace=a", "tenants[1].namespace=ab")
    folder = tmp_path_factory.mktemp("redis")
    (port,) = free_ports(1)
    acl = folder / "users.acl"
    acl.write_text(named(made, "Secret", "mw-mintworks-redis-acl")["stringData"]["users.acl"])
    text = named(made, "ConfigMap", "mw-mintworks-redis")["data"]["redis.conf"]
    # Only where it listens and where its files are differ from the pod's.
    for old, new in (
        ("/mintworks/acl/users.acl", str(acl)),
        ("dir /data", f"dir {folder}"),
        ("port 6379", f"port {port}"),
        ("bind * -::*", "bind 127.0.0.1"),
    ):
        assert old in text
        text = text.replace(old, new)
    configuration = folder / "redis.conf"
    configuration.write_text(text)
    secrets = {
        "a": named(made, "Secret", "mintworks-redis", "a"),
        "ab": named(made, "Secret", "mintworks-redis", "ab"),
        "mintworks": named(made, "Secret", "mw-mintworks-redis-operator"),
    }
    with server(configuration):
        retry = Retry(ConstantBackoff(0.1), 100, supported_errors=(redis.ConnectionError, redis.BusyLoadingError))
        assert redis.Redis(port=port, username="probe", password="x", retry=retry).ping()
        yield {
            n: s["stringData"]["url"].replace("mw-mintworks-redis.mintworks.svc:6379", f"127.0.0.1:{port}")
            for n, s in secrets.items()
        }


@contextmanager
def server(configuration: Path) -> Iterator[None]:
    """redis-server with a configuration file, ended on leaving."""
    debian.ensure()
    command = [str(debian.program("redis-server")), str(configuration)]
    with subprocess.Popen(command, env={**os.environ, **debian.environment()}, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def test_a_tenant_works_on_its_own_keys(urls: Url) -> None:
    own = client(urls["a"])
    assert own.ping()
    assert own.set("mw:a:lease", "me", nx=True, px=60_000)
    with own.pipeline(transaction=True) as swap:
        swap.watch("mw:a:lease")  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        assert swap.get("mw:a:lease") == "me"
        swap.multi()
        swap.set("mw:a:lease", "me", px=60_000)
        assert swap.execute() == [True]
    with own.pipeline(transaction=True) as both:
        both.xadd("mw:a:u:progress", {"data": "{}"}, maxlen=100)
        both.expire("mw:a:u:progress", 60)
        assert both.execute()[1] is True
    assert own.hset("mw:a:cache", mapping={"x": "1"}) == 1
    assert own.incrby("mw:a:budget", 3) == 3


FORBIDDEN = [
    ("GET", "mw:ab:lease"),
    ("SET", "mw:ab:lease", "me"),
    ("DEL", "mw:ab:lease"),
    ("GET", "other"),
    ("XADD", "mw:ab:u:progress", "*", "data", "{}"),
    ("COPY", "mw:ab:lease", "mw:a:copy"),
    ("EVAL", "return 1", "0"),
    ("EVALSHA", "0" * 40, "0"),
    ("FCALL", "f", "0"),
    ("SCRIPT", "LOAD", "return 1"),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("RANDOMKEY",),
    ("DBSIZE",),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("SWAPDB", "0", "1"),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("CLIENT", "LIST"),
    ("MONITOR",),
    ("SCRIPT", "FLUSH"),
    ("FUNCTION", "LIST"),
    ("SUBSCRIBE", "x"),
    ("PUBLISH", "x", "y"),
    ("SHUTDOWN", "NOSAVE"),
    ("REPLICAOF", "127.0.0.1", "1"),
]


@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
def test_a_tenant_reaches_nothing_else(urls: Url, command: tuple[str, ...]) -> None:
    client(urls["ab"]).set("mw:ab:lease", "theirs")
    with pytest.raises(redis.ResponseError, match="permission"):
        client(urls["a"]).execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    assert client(urls["ab"]).get("mw:ab:lease") == "theirs"


def test_the_operator_reads_every_tenants_progress_and_nothing_outside(urls: Url) -> None:
    client(urls["ab"]).xadd("mw:ab:v:progress", {"data": "{}"})
    operator = client(urls["mintworks"])
    assert operator.xread({"mw:ab:v:progress": "0"})
    assert operator.set("mw:a:u:inputs", "{}")
    with pytest.raises(redis.exceptions.NoPermissionError):
        operator.set("elsewhere", "1")


def test_nobody_else_gets_in(urls: Url) -> None:
    bare = urls["a"].split("@")[1]
    with pytest.raises(redis.AuthenticationError):
        client(f"redis://{bare}").get("mw:a:lease")
    with pytest.raises(redis.AuthenticationError):
        client(f"redis://tenant-a:wrong@{bare}").ping()
    with pytest.raises(redis.exceptions.NoPermissionError):
        client(f"redis://probe:x@{bare}").get("mw:a:lease")
