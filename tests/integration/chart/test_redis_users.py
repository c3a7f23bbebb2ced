"""The chart's configuration starts a real Redis, in which a tenant reaches its own keys and nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from mintworks_operator.keys import JobKey
from mintworks_operator.progress import Progress
from mintworks_runners.core.channel import RedisChannel
from mintworks_runners.core.protocol import RunSpec
from mintworks_runners.mint.lease import RedisLease
from mintworks_runners.mint.ledger import RedisLedger
from mintworks_runners.mint.redislink import RedisLink
from support.chart_redis import ChartRedis
from support.minting import DONE, Minter, MintRuns
from support.polling import until
from support.redis_server import TENANT_COMMANDS

from .conftest import Render

OPERATOR = "mintworks"
#: One's name is the beginning of the others'. `default` is where the runs of tests live.
TENANTS = ("a", "ab", "a-b", "operator", "default")
#: What clients of other languages send before anything else.
GREETING = {"ping", "select"}
#: Redis lets anyone send these: they come before a user is known.
BEFORE_LOGIN = {"auth", "hello", "quit", "reset"}


def settings(*tenants: str) -> list[str]:
    return [f"tenants[{number}].namespace={name}" for number, name in enumerate(tenants)]


@pytest.fixture(scope="module")
def server(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChartRedis]:
    made = ChartRedis(tmp_path_factory.mktemp("redis")).start(render(*settings(*TENANTS)))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def emptied(request: pytest.FixtureRequest) -> None:
    if "server" in request.fixturenames:
        found: ChartRedis = request.getfixturevalue("server")
        found.admin.flushall()


def command(client: redis.Redis, *words: str) -> Any:
    return client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


def test_a_tenant_works_on_its_own_keys(server: ChartRedis) -> None:
    own = server.client("a")
    assert own.ping()
    assert own.set("mw:a:lease:x", "me", px=60_000)
    with own.pipeline(transaction=True) as swap:
        swap.watch("mw:a:lease:x")  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        assert swap.get("mw:a:lease:x") == "me"
        swap.multi()
        swap.set("mw:a:lease:x", "me", px=60_000)
        assert swap.execute() == [True]
    with own.pipeline(transaction=False) as both:
        both.xadd("mw:a:u:progress", {"data": "{}"}, maxlen=100)
        both.expire("mw:a:u:progress", 60)
        assert both.execute()[1] is True
    assert own.rpush("mw:a:ledger:x", "1") == 1
    assert own.lrange("mw:a:ledger:x", 0, -1) == ["1"]
    assert own.delete("mw:a:ledger:x") == 1


FOREIGN = "mw:ab:lease"
FORBIDDEN = [
    # Another tenant's keys
    ("GET", FOREIGN),
    ("SET", FOREIGN, "me"),
    ("SET", FOREIGN, "me", "GET"),
    ("DEL", FOREIGN),
    ("EXPIRE", FOREIGN, "1"),
    ("WATCH", FOREIGN),
    ("LRANGE", "mw:ab:list", "0", "-1"),
    ("RPUSH", "mw:ab:list", "x"),
    ("XADD", "mw:ab:u:progress", "*", "data", "{}"),
    ("DEL", "mw:a:own", FOREIGN),
    ("GET", "mw:a-b:lease"),
    ("GET", "mw:operator:lease"),
    ("GET", "mw:a*:lease"),
    ("GET", "mw:a"),
    ("GET", "other"),
    ("XREAD", "STREAMS", "mw:ab:u:progress", "0"),
    ("XREAD", "BLOCK", "0", "STREAMS", "mw:ab:u:progress", "$"),
    ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "mw:ab:u:progress", ">"),
    ("COPY", FOREIGN, "mw:a:copy"),
    ("RENAME", FOREIGN, "mw:a:copy"),
    ("DUMP", FOREIGN),
    ("RESTORE", "mw:a:x", "0", "x"),
    ("MIGRATE", "127.0.0.1", "1", FOREIGN, "0", "10"),
    ("SORT", "mw:a:list", "BY", "mw:ab:*", "GET", "mw:ab:*"),
    ("SORT_RO", "mw:a:list", "BY", "mw:ab:*", "GET", "mw:ab:*"),
    ("OBJECT", "ENCODING", FOREIGN),
    ("MEMORY", "USAGE", FOREIGN),
    ("TOUCH", FOREIGN),
    ("EXISTS", FOREIGN),
    # Names of keys, and what others do
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("RANDOMKEY",),
    ("DBSIZE",),
    ("MONITOR",),
    ("CLIENT", "LIST"),
    ("CLIENT", "INFO"),
    ("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "mw:"),
    ("SUBSCRIBE", "x"),
    ("PSUBSCRIBE", "*"),
    ("SSUBSCRIBE", "x"),
    ("PUBLISH", "x", "y"),
    ("SPUBLISH", "x", "y"),
    ("PUBSUB", "CHANNELS"),
    ("ACL", "LIST"),
    ("ACL", "WHOAMI"),
    ("ACL", "LOG"),
    ("CONFIG", "GET", "*"),
    ("INFO",),
    ("SLOWLOG", "GET"),
    ("LATENCY", "HISTOGRAM"),
    ("ROLE",),
    # Scripts
    ("EVAL", "return redis.call('GET', 'mw:ab:lease')", "0"),
    ("EVAL_RO", "return 1", "0"),
    ("EVALSHA", "0" * 40, "0"),
    ("SCRIPT", "LOAD", "return 1"),
    ("SCRIPT", "FLUSH"),
    ("FCALL", "f", "0"),
    ("FUNCTION", "LIST"),
    ("FUNCTION", "LOAD", "#!lua name=x\nreturn 1"),
    # Harm to everyone
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("SWAPDB", "0", "0"),
    ("CONFIG", "SET", "maxmemory", "1"),
    ("ACL", "SETUSER", "tenant-a", "~*"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("CLIENT", "PAUSE", "1000"),
    ("CLIENT", "NO-EVICT", "ON"),
    ("SHUTDOWN", "NOSAVE"),
    ("DEBUG", "SLEEP", "1"),
    ("SAVE",),
    ("BGSAVE",),
    ("BGREWRITEAOF",),
    ("REPLICAOF", "127.0.0.1", "1"),
    ("FAILOVER",),
    ("MODULE", "LIST"),
    ("PSYNC", "?", "-1"),
    ("BLPOP", "mw:a:list", "0"),
    ("WAIT", "1", "0"),
    ("SETRANGE", "mw:a:huge", "500000000", "x"),
    ("SETBIT", "mw:a:huge", "4000000000", "1"),
]


@pytest.mark.parametrize("words", FORBIDDEN, ids=" ".join)
def test_a_tenant_reaches_nothing_else(server: ChartRedis, words: tuple[str, ...]) -> None:
    server.client("ab").set(FOREIGN, "theirs")
    # DEBUG is refused to everyone before rights are looked at.
    with pytest.raises(redis.ResponseError, match=r"has no permissions|DEBUG command not allowed"):
        command(server.client("a"), *words)
    assert server.client("ab").get(FOREIGN) == "theirs"


def test_a_transaction_is_no_way_around(server: ChartRedis) -> None:
    server.client("ab").set(FOREIGN, "theirs")
    with server.client("a").pipeline(transaction=True) as pipe:
        pipe.set("mw:a:own", "1")
        pipe.get(FOREIGN)
        with pytest.raises(redis.RedisError):
            pipe.execute()
    assert server.admin.get("mw:a:own") is None


def test_a_tenant_hears_nothing_of_others_keys(server: ChartRedis) -> None:
    """Invalidations of CLIENT TRACKING name every key that is written, whatever the user's key patterns say."""
    own = redis.Redis.from_url(server.url("a"), decode_responses=True, protocol=3)
    connection: Any = own.connection_pool.get_connection()
    heard: list[object] = []
    connection._parser.set_invalidation_push_handler(heard.append)
    connection.send_command("CLIENT", "TRACKING", "ON", "BCAST")
    with pytest.raises(redis.exceptions.NoPermissionError):
        connection.read_response()
    server.client("ab").set("mw:ab:u:inputs", "1")
    for _ in range(2):
        connection.send_command("PING")
        connection.read_response()
    assert heard == []


def commands_of(server: ChartRedis, user: str) -> set[str]:
    """Every command of this Redis that a user may send, by asking for each (nothing is carried out)."""
    admin = server.admin
    arity = {found[0]: int(found[1]) for found in command(admin, "COMMAND INFO", *command(admin, "COMMAND LIST"))}
    pipe: Any
    with admin.pipeline(transaction=False) as pipe:
        for name, count in arity.items():
            words = name.split("|")
            pipe.execute_command("ACL DRYRUN", user, *words, *["1"] * (abs(count) - len(words)))
        answers = pipe.execute(raise_on_error=False)
    allowed = {name for name, answer in zip(arity, answers, strict=True) if "permissions to run" not in str(answer)}
    assert 0 < len(allowed) < len(arity) / 4
    # Without one of its subcommands, a container does nothing.
    return allowed - {name.partition("|")[0] for name in arity if "|" in name}


def used(server: ChartRedis) -> set[str]:
    """The commands that were carried out since CONFIG RESETSTAT, without the test's own; none was refused."""
    stats: dict[str, dict[str, int]] = server.admin.info("commandstats")
    refused = {name.removeprefix("cmdstat_") for name, told in stats.items() if told.get("rejected_calls")}
    # redis-py introduces itself, and takes a refusal for an answer.
    assert refused <= {"client|setinfo", "client"}, refused
    names = {name.removeprefix("cmdstat_") for name, told in stats.items() if told["calls"]}
    return names - {"config|resetstat", "info", "client|setinfo", *BEFORE_LOGIN}


async def test_a_tenant_may_do_what_runners_do_and_no_more(server: ChartRedis, tmp_path: Path) -> None:
    granted = commands_of(server, "tenant-default") - BEFORE_LOGIN - GREETING
    assert granted == {*TENANT_COMMANDS.replace("+", "").split()} - GREETING
    server.admin.config_resetstat()
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path / "job", minter, [net.url], 5, hurry=net)
        job.run.redis_url = server.url("default")
        assert await job.here() == DONE, job.run.termination
    channel = RedisChannel(job.run.environment, RunSpec.parse(job.run.document))
    await channel.send({"type": "progress", "run": 1, "percent": 1})
    assert await channel.echo() is None
    await channel.close()
    link = RedisLink(job.run.environment)
    await RedisLedger(link, "mw:default:ledger:x").forget()
    server.admin.set("mw:default:lease:x", "another's")
    await RedisLease(link, "mw:default:lease:x").release()
    await link.lost()
    assert used(server) == granted


async def test_the_operator_may_do_what_it_does_and_no_more(server: ChartRedis, tmp_path: Path) -> None:
    granted = commands_of(server, "operator") - BEFORE_LOGIN - GREETING
    tenant = server.client("ab")
    told = {"type": "inputs", "run": 1, "inputs": {"rowsSha256": "0" * 64, "items": 3}}
    tenant.xadd("mw:ab:v:progress", {"data": json.dumps(told)})
    tenant.xadd("mw:ab:gone:progress", {"data": "{}"})
    tenant.set("mw:ab:lease:x", "held")
    server.admin.config_resetstat()
    (tmp_path / "url").write_text(server.url(OPERATOR))
    progress = Progress(tmp_path / "url", lambda _key, _delay: None, time.monotonic, lambda: None)
    task = asyncio.create_task(progress.run())
    try:
        progress.listen("v", JobKey("MetadataJob", "ab", "job"), 1)
        await until(lambda: bool(progress.news("v", 1).inputs))
        await progress.echo("v", told["inputs"])  # type: ignore[arg-type]  # the message's values are of many types
        assert json.loads(str(tenant.get("mw:ab:v:inputs"))) == told["inputs"]
        assert await progress.sweep(["ab"], lambda uid: uid == "v")
        await until(lambda: not server.admin.exists("mw:ab:gone:progress"))
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=20)
        await progress.close()
    assert used(server) - {"get", "exists"} == granted | {"ping"}


@pytest.mark.parametrize(
    "words",
    [
        ("SET", "elsewhere", "1"),
        ("SET", "mw:ab:lease:x", "mine"),
        ("UNLINK", "mw:ab:lease:x"),
        ("XREAD", "STREAMS", "mw:ab:ledger:x", "0"),
        ("GET", "mw:ab:u:inputs"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("EVAL", "return 1", "0"),
    ],
    ids=" ".join,
)
def test_the_operator_reaches_neither_leases_nor_ledgers(server: ChartRedis, words: tuple[str, ...]) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        command(server.client(OPERATOR), *words)


def test_nobody_else_gets_in(server: ChartRedis) -> None:
    def client(url: str) -> redis.Redis:
        return redis.Redis.from_url(url, decode_responses=True)

    bare = server.url("a").split("@")[1]
    with pytest.raises(redis.AuthenticationError):
        client(f"redis://{bare}").get("mw:a:lease")
    with pytest.raises(redis.AuthenticationError):
        client(f"redis://tenant-a:wrong@{bare}").ping()
    password = server.url("a").split(":")[2].split("@")[0]
    with pytest.raises(redis.AuthenticationError):
        client(f"redis://tenant-ab:{password}@{bare}").ping()
    with pytest.raises(redis.exceptions.NoPermissionError):
        client(f"redis://probe:x@{bare}").get("mw:a:lease")


# --- what a tenant can do to all others -------------------------------------------------------------------------------


def fill(client: redis.Redis, key: str, value: str) -> None:
    """Push them until Redis refuses: what one value does not fit into takes many smaller ones."""
    for _ in range(50_000):
        client.rpush(key, *[value] * 100)


def test_a_full_redis_refuses_writes_and_loses_nothing(render: Render, tmp_path: Path) -> None:
    """No user has a share of the memory: a tenant can fill it. Others then see a Redis that is away for writing."""
    server = ChartRedis(tmp_path).start(render(*settings("a", "ab"), "redis.maxMemory=8mb"))
    try:
        other = server.client("ab")
        assert other.set("mw:ab:lease:x", "mine", px=60_000)
        filler = server.client("a")
        for size in (10_000, 100, 1):
            with pytest.raises(redis.OutOfMemoryError):
                fill(filler, "mw:a:list", "x" * size)
        with pytest.raises(redis.OutOfMemoryError):
            fill(other, "mw:ab:ledger:x", "x" * 500)
        assert other.get("mw:ab:lease:x") == "mine"
        assert other.delete("mw:ab:lease:x") == 1
        # Whoever filled it, or who removes its key, makes room again.
        assert server.client("a").delete("mw:a:list") == 1
        assert other.set("mw:ab:lease:x", "mine", px=60_000)
    finally:
        server.stop()


async def test_what_one_tenant_tells_keeps_nobody_from_being_heard(server: ChartRedis, tmp_path: Path) -> None:
    """Its stream holds more than may wait in one connection: the operator's would be closed each time it asks."""
    loud = server.client("ab")
    for _ in range(90):
        loud.xadd("mw:ab:loud:progress", {"data": "x" * 1_000_000})
    (tmp_path / "url").write_text(server.url(OPERATOR))
    progress = Progress(tmp_path / "url", lambda _key, _delay: None, time.monotonic, lambda: None)
    for uid, namespace in (("loud", "ab"), ("v", "a"), ("w", "a")):
        progress.listen(uid, JobKey("MetadataJob", namespace, uid), 1)
    task = asyncio.create_task(progress.run())
    try:
        for percent in (1, 2, 3):
            told = {"type": "progress", "run": 1, "percent": percent}
            for uid in ("v", "w"):
                server.client("a").xadd(f"mw:a:{uid}:progress", {"data": json.dumps(told)})
                await until(partial(shows, progress, uid, percent))
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=20)
        await progress.close()


def shows(progress: Progress, uid: str, percent: int) -> bool:
    told = progress.news(uid, 1).progress
    return told is not None and told.percent == percent


def test_one_value_is_no_larger_than_a_mebibyte(server: ChartRedis) -> None:
    with pytest.raises(redis.RedisError):
        server.client("a").set("mw:a:huge", "x" * (1 << 20) + "x")
    assert server.admin.exists("mw:a:huge") == 0


def test_what_a_connection_holds_back_is_bounded(server: ChartRedis) -> None:
    """A queue of commands is memory that no maxmemory evicts: the connection is closed instead."""
    limit = server.admin.info("memory")["maxmemory"] // 4
    own: Any = server.client("a").connection_pool.get_connection()
    own.send_command("MULTI")
    own.read_response()

    def queue() -> None:
        for _ in range(2 * limit // 1_000_000):
            own.send_command("RPUSH", "mw:a:list", "x" * 1_000_000)
            own.read_response()

    with pytest.raises(redis.ConnectionError):
        queue()
    assert server.client("ab").set(FOREIGN, "1")
    assert server.admin.info("memory")["used_memory"] < limit


# --- another list of tenants, another seed ----------------------------------------------------------------------------


def test_a_tenant_that_is_taken_off_has_no_user_any_more(render: Render, tmp_path: Path) -> None:
    server = ChartRedis(tmp_path).start(render(*settings("a", "ab")))
    url = server.url("ab")
    server.client("a").set("mw:a:kept", "1")
    server.stop()
    server.start(render(*settings("a")))
    try:
        assert server.namespaces == {"a", OPERATOR}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(url).ping()
        assert server.client("a").get("mw:a:kept") == "1"
    finally:
        server.stop()


async def test_another_seed_reaches_a_run_through_its_file(render: Render, tmp_path: Path) -> None:
    """Passwords are rotated under a run: once the kubelet has renewed its file, it goes on with the new one."""
    server = ChartRedis(tmp_path / "redis").start(render(*settings("default")))
    minter = Minter()
    async with minter.localnet() as net:
        net.faults(network={"late": 1.0, "late_slots": (30, 50)})
        job = MintRuns(tmp_path / "job", minter, [net.url], 20, hurry=net, inFlight=2)
        job.run.redis_url = old = server.url("default")
        running = asyncio.create_task(job.here())
        await job.until_step("mint")
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start, render(*settings("default"), "redis.seed=another-seed-0123456789"))
        try:
            with pytest.raises(redis.AuthenticationError):
                redis.Redis.from_url(old).ping()
            (tmp_path / "job" / "redis-url").write_text(server.url("default"))
            assert await running == DONE, job.run.termination
            await job.check(net.url)
        finally:
            server.stop()
