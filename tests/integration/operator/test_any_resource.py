"""Resources as nobody would write them, many at once: created, changed, changed back, deleted while they run. Each is
refused by the API server or explained by its conditions, and the operator neither stumbles nor asks for ever.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kubernetes.client.exceptions import ApiException
from mintworks_api import FINISHED, JOB_KINDS
from mintworks_dev.cluster import ControlPlane
from support.crdgen import allowed, changeable, crds, damaged, least, result_schema, spec_schema
from support.crowd import Crowd
from support.kubelet import GROUP, PLURALS, Kubelet
from support.metrics import requests
from support.polling import eventually
from support.specs import METADATA

from .conftest import Launcher

CRDS = crds()
RESOURCES = 1000
SPACES = 3
#: How many others are created before a resource is changed, so that the operator has begun with it.
LATER = 30
#: Requests of the operator for each object that was created, changed or deleted, and for each run.
FOR_A_CHANGE, FOR_A_RUN = 4, 6
#: What an operator says that ends for it.
_LOST = "the Lease could not be renewed in time"
QUEUES = [f"q{n}" for n in range(6)]


@dataclass(frozen=True)
class Plan:
    """One resource: what is created, and what is done to it afterwards."""

    kind: str
    queue: str
    spec: Any
    later: tuple[tuple[str, Any], ...]


@dataclass
class World:
    """What was tried and what came of it. `alive` holds the resources that should exist, by kind, space and name."""

    spaces: list[Kubelet]
    alive: dict[tuple[str, int, str], Plan] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)

    def attempt(self, what: str, act: Callable[[], Any]) -> bool:
        """Whether the API server did it; a refusal must name what is wrong."""
        self.tried[what] += 1
        refusal = _refusal(act)
        if refusal is None:
            self.done[what] += 1
            return True
        message = json.loads(refusal.body or "{}").get("message", "")
        gone = refusal.status == 404 and what != "create"
        assert gone or (refusal.status in {400, 422} and "spec" in message), f"{what}: {refusal.status} {message}"
        return False


def _refusal(act: Callable[[], Any]) -> ApiException | None:
    try:
        act()
    except ApiException as error:
        return error
    return None


@st.composite
def plans(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Plan:
    """A resource of any kind. Most name no queue and no time, for else hardly any would run."""
    kind = draw(st.sampled_from([*sorted(JOB_KINDS) * 3, "JobQueue"]))
    schema = spec_schema(CRDS[kind])
    spec = draw(allowed(schema) if draw(st.integers(0, 2)) else damaged(schema).map(lambda d: d.spec))
    if isinstance(spec, dict) and kind in JOB_KINDS:
        spec = {k: v for k, v in spec.items() if k not in {"startAfter", "delay", "suspend"} or draw(st.booleans())}
        spec |= draw(st.sampled_from([{"queue": q} for q in QUEUES] + [{"queue": "default"}] * 6 + [{}]))
    fields = st.sampled_from(changeable(schema) * 2 + sorted(schema["properties"]))
    value = fields.flatmap(lambda n: st.tuples(st.just(n), st.one_of(st.none(), allowed(schema["properties"][n]))))
    deed = st.one_of(
        st.tuples(st.just("change"), value),
        st.just(("revert", None)),
        st.just(("annotate", None)),
        st.just(("delete", None)),
    )
    return Plan(kind, draw(st.sampled_from(QUEUES)), spec, tuple(draw(st.lists(deed, max_size=3))))


def drawn(seed: int) -> list[Plan]:
    """So many plans, the same for the same seed."""
    found: list[Plan] = []

    def take(plan: Plan) -> None:
        found.append(plan)

    drawing = settings(
        max_examples=RESOURCES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(given(plans())(take))
    hypothesis.seed(seed)(drawing)()
    assert len(found) >= RESOURCES
    return found


class Operator:
    """An operator that is started again when it ends, as Kubernetes does: a busy machine lets it lose its Lease."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._process = launcher.start()
        self._before = self._counted = 0.0

    def requests(self) -> float:
        """Requests to the API server, of all of them; what the last moment of a dead one asked is not counted."""
        if self._process.popen.poll() is not None:
            assert self._process.said(_LOST), self._process.log.read_text()[-4000:]
            self._before, self._counted = self._before + self._counted, 0.0
            self._process = self._launcher.start()
        with contextlib.suppress(OSError):  # it is starting
            self._counted = requests(self._process.metrics)
        return self._before + self._counted

    def stop(self) -> None:
        """At its end, none of them has stumbled: not in a pass, nor anywhere else but where it lost its Lease."""
        if self._process.popen.poll() is None:
            self._process.stop()
        for log in self._launcher.folder.glob("*.log"):
            text = log.read_text()
            assert "the pass failed" not in text, text[-4000:]
            assert "Traceback" not in text or _LOST in text, text[-4000:]


@pytest.fixture
def operator(launcher: Launcher, found: list[Plan]) -> Iterator[Operator]:
    """Started when the plans are drawn, which takes all that the machine has."""
    del found
    running = Operator(launcher)
    yield running
    running.stop()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What everything is drawn from."""
    given_: int = request.config.getoption("seed")
    print(f"--seed={given_}")
    return given_


@pytest.fixture
def found(seed: int) -> list[Plan]:
    """What is done."""
    return drawn(seed)


@pytest.mark.timeout(1200)
def test_whatever_is_applied_is_refused_or_explained(
    launcher: Launcher, operator: Operator, found: list[Plan], fresh: Callable[[], Kubelet], seed: int
) -> None:
    world = World([fresh() for _ in range(SPACES)])
    for space in world.spaces:
        space.apply("JobQueue", "default", {"concurrency": 50})
    before = operator.requests()
    with Crowd(world.spaces, lambda kind: least(result_schema(CRDS[kind])), seed) as crowd:
        play(world, found, operator)
        crowd.end_well()
        settle(world, operator)
        runs = sum(runs_of(o) for o in objects(world).values())
        bound = FOR_A_CHANGE * sum(world.done.values()) + FOR_A_RUN * (runs + world.done["delete"])
        made = operator.requests() - before
        print(f"{dict(world.tried)} tried, {dict(world.done)} done, {runs} runs, {made:.0f} requests, {bound} allowed")
        assert made <= bound
        idle(world, launcher.plane, operator)
        serves(fresh())
    assert world.tried["create"] >= RESOURCES
    assert world.done["create"] >= RESOURCES / 2
    # What is drawn differs between versions of Python, and so does how much of it can run: 53 and 221 were seen.
    assert runs >= RESOURCES / 25


def play(world: World, found: list[Plan], operator: Operator) -> None:
    """Creates them all, and does to each what is planned once so many others were created."""
    pending: deque[tuple[int, tuple[str, int, str], str, Any]] = deque()
    for number, plan in enumerate(found):
        if number % 50 == 0:
            operator.requests()
        place = number % SPACES
        key = (plan.kind, place, plan.queue)
        if plan.kind != "JobQueue" or key in world.alive:
            key = (plan.kind, place, f"{number}-{'x' * (number % 50)}x")
        if world.attempt("create", partial(_create, world.spaces[place], _body(plan, key[2]))):
            world.alive[key] = plan
            pending.extend((number + LATER * (n + 1), key, *deed) for n, deed in enumerate(plan.later))
        while pending and pending[0][0] <= number:
            _, key, what, value = pending.popleft()
            _do(world, key, what, value)
    for _, key, what, value in pending:
        _do(world, key, what, value)


def _body(plan: Plan, name: str) -> dict[str, Any]:
    meta = {"name": name, "annotations": {"mintworks.dev/retry": "x"}}
    return {"apiVersion": "/".join(GROUP), "kind": plan.kind, "metadata": meta, "spec": plan.spec}


def _create(space: Kubelet, body: dict[str, Any]) -> None:
    plural = PLURALS[body["kind"]]
    space.custom.create_namespaced_custom_object(*GROUP, space.namespace, plural, body, field_validation="Strict")


def _do(world: World, key: tuple[str, int, str], what: str, value: Any) -> None:
    kind, place, name = key
    plan, space = world.alive.get(key), world.spaces[place]
    if plan is None:
        return
    if what == "delete":
        if world.attempt(what, lambda: space.delete(kind, name)):
            del world.alive[key]
    elif what == "annotate":
        body = {"metadata": {"annotations": {"mintworks.dev/cancel": "y", "somebody.else/x": "🜛" * 99}}}
        world.attempt(what, lambda: _patch(space, kind, name, body))
    else:
        changes = {value[0]: value[1]} if what == "change" else _original(plan, space, kind, name)
        world.attempt(what, lambda: _patch(space, kind, name, {"spec": changes}))


def _original(plan: Plan, space: Kubelet, kind: str, name: str) -> dict[str, Any]:
    """What makes the spec as it was created."""
    now = space.get(kind, name)["spec"]
    return {k: plan.spec.get(k) for k in {*now, *plan.spec}}


def _patch(space: Kubelet, kind: str, name: str, body: dict[str, Any]) -> None:
    space.custom.patch_namespaced_custom_object(
        *GROUP, space.namespace, PLURALS[kind], name, body, field_validation="Strict"
    )


def objects(world: World) -> dict[tuple[str, int, str], dict[str, Any]]:
    """The jobs that are there."""
    return {
        (kind, place, o["metadata"]["name"]): o
        for place, space in enumerate(world.spaces)
        for kind in JOB_KINDS
        for o in space.custom.list_namespaced_custom_object(*GROUP, space.namespace, PLURALS[kind])["items"]
    }


def runs_of(obj: dict[str, Any]) -> int:
    runs: int = ((obj.get("status") or {}).get("attempts") or {}).get("runs", 0)
    return runs


def settle(world: World, operator: Operator) -> None:
    """Every job has come to its end, or says what it waits for; and of those that are gone nothing is left."""

    def unexplained() -> list[str]:
        limited = held_queues(world)
        jobs = (
            (key, obj, (key[1], obj["spec"].get("queue", "default")) in limited) for key, obj in objects(world).items()
        )
        return [f"{key}: {why}" for key, obj, held in jobs if (why := complaint(obj, held=held)) is not None]

    deadline = time.monotonic() + 480
    while found := unexplained():
        operator.requests()
        assert time.monotonic() < deadline, f"{len(found)} are not explained: {found[:5]}"
        time.sleep(1)
    here = {obj["metadata"]["uid"] for obj in objects(world).values()}
    gone = {key for key in world.alive if key[0] in JOB_KINDS} ^ set(objects(world))
    assert all(_may_expire(world, key) for key in gone), gone
    for space in world.spaces:
        eventually("nothing is left", partial(_nothing_of_others, space, here), seconds=90)


def _may_expire(world: World, key: tuple[str, int, str]) -> bool:
    """Whether the job has a ttl, or its queue: then it is deleted when it has finished."""
    plan = world.alive[key]
    queue = world.alive.get(("JobQueue", key[1], plan.spec.get("queue", "default")))
    return any("ttl" in json.dumps([found.spec, found.later]) for found in (plan, queue) if found is not None)


def _nothing_of_others(space: Kubelet, here: set[str]) -> bool:
    return all(job.metadata.labels["mintworks.dev/uid"] in here for job in space.jobs())


def held_queues(world: World) -> set[tuple[int, str]]:
    """Queues, by space and name, that start nothing now, or only so much in a time that may be long."""
    return {
        (place, queue["metadata"]["name"])
        for place, space in enumerate(world.spaces)
        for queue in space.custom.list_namespaced_custom_object(*GROUP, space.namespace, PLURALS["JobQueue"])["items"]
        if queue["spec"].get("paused") or queue["spec"].get("rateLimit")
    }


def complaint(obj: dict[str, Any], *, held: bool) -> str | None:
    """What is not explained about a job, which is in a queue that holds jobs back where `held`; None where all is."""
    status, generation = obj.get("status") or {}, obj["metadata"]["generation"]
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    if status.get("observedGeneration") != generation or "Progressing" not in conditions:
        return f"not looked at: {status}"
    if any(not c["reason"] or c["observedGeneration"] != generation for c in conditions.values()):
        return f"a condition without a reason, or of an older generation: {conditions}"
    if any(c["reason"] == "InvalidSpec" for c in conditions.values()):
        return f"the API server took what the operator cannot read: {conditions}"
    if status["phase"] in FINISHED:
        ends = [conditions[end]["status"] for end in ("Succeeded", "Failed")]
        return None if sorted(ends) == ["False", "True"] and conditions["Failed"]["message"] else str(conditions)
    waits = conditions["Progressing"]
    if (status["phase"] == "Queued" and not held) or waits["status"] != "False" or not waits["message"]:
        return f"under way: {status}"
    return None


def idle(world: World, plane: ControlPlane, operator: Operator) -> None:
    """With nothing to do, hardly anything is asked. The API server's own count says the same as the operator's."""
    eventually("calm", lambda: _surplus(world, plane, operator, 5) <= 0, seconds=60)
    assert _surplus(world, plane, operator, 10) <= 0


def _surplus(world: World, plane: ControlPlane, operator: Operator, seconds: float) -> float:
    """Requests within so many seconds beyond a few, and beyond those for jobs whose wait or ttl ended meanwhile."""
    waited = {key: obj for key, obj in objects(world).items() if _has_a_time(world, key, obj)}
    before = operator.requests(), _served(plane)
    time.sleep(seconds)
    asked = max(operator.requests() - before[0], _served(plane) - before[1])
    after = objects(world)
    due = [key for key, obj in waited.items() if key not in after or after[key]["metadata"] != obj["metadata"]]
    return asked - 5 - (FOR_A_CHANGE + FOR_A_RUN) * len(due)


def _has_a_time(world: World, key: tuple[str, int, str], obj: dict[str, Any]) -> bool:
    waits = obj["status"]["phase"] in {"Backoff", "Delayed", "Running"}
    return waits or _may_expire(world, key)


def _served(plane: ControlPlane) -> float:
    """Requests for our resources that the API server answered, whoever asked; open watches do not count."""
    lines = plane.kubectl("get", "--raw", "/metrics").splitlines()
    counted = [line for line in lines if line.startswith("apiserver_request_total{")]
    ours = [line for line in counted if 'group="mintworks.dev"' in line and 'verb="WATCH"' not in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in ours)


def serves(space: Kubelet) -> None:
    """A good job is served as if nothing had been."""
    space.apply("MetadataJob", "good", METADATA)
    began = time.monotonic()
    space.end("good", 1, 0, {"result": least(result_schema(CRDS["MetadataJob"]))})
    space.phase("MetadataJob", "good", "Succeeded")
    assert time.monotonic() - began < 20
