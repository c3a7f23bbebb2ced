"""What must hold over the whole history, whatever was injected. Pure: from changes to what is wrong with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .history import Change

Json = dict[str, Any]
#: A run: the uid of its job, and its number.
Run = tuple[str, int]

UID, RUN = "mintworks.dev/uid", "mintworks.dev/run"
_OVER = frozenset({"Succeeded", "Failed"})


@dataclass
class _State:
    """The cluster at one moment."""

    queues: dict[str, tuple[str, str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    reservations: dict[tuple[str, str], set[Run]] = field(default_factory=dict)
    jobs: dict[Run, str] = field(default_factory=dict)
    pods: dict[Run, set[str]] = field(default_factory=lambda: defaultdict(set))
    ended: set[Run] = field(default_factory=set)
    used: dict[Run, str] = field(default_factory=dict)

    @property
    def live(self) -> set[Run]:
        """Runs of which a process lives, or may be started any moment."""
        return {r for r in self.jobs if r not in self.ended} | {r for r, pods in self.pods.items() if pods}


def violations(changes: Iterable[Change], concurrency: Mapping[str, int]) -> list[str]:
    """What went wrong: a run's number used twice, two runs of a job at once, a limit or an exclusive key not kept."""
    state, wrong = _State(), []
    for change in sorted(changes, key=lambda c: c.version):
        if change.kind in {"MetadataJob", "MintJob"}:
            _resource(state, change)
        elif change.kind == "JobQueue":
            wrong += _queue(state, change, concurrency)
        elif UID in _labels(change):
            wrong += _job(state, change) if change.kind == "Job" else _pod(state, change)
            wrong += _together(state, change, concurrency)
    return wrong


def _labels(change: Change) -> Json:
    labels: Json = change.obj["metadata"].get("labels") or {}
    return labels


def _run(change: Change) -> Run:
    return _labels(change)[UID], int(_labels(change)[RUN])


def _resource(state: _State, change: Change) -> None:
    meta, spec = change.obj["metadata"], change.obj.get("spec") or {}
    state.queues[meta["uid"]] = meta["namespace"], spec.get("queue", "default")
    address = (spec.get("tree") or {}).get("address")
    if address:
        state.keys[meta["uid"]] = f"{meta['namespace']}/{address}"


def _queue(state: _State, change: Change, concurrency: Mapping[str, int]) -> list[str]:
    _, namespace, name = change.key
    written = (change.obj.get("status") or {}).get("reservations") or []
    gone = change.type == "DELETED"
    state.reservations[namespace, name] = set() if gone else {(r["uid"], r["run"]) for r in written}
    if len(written) > concurrency[name]:
        return [f"@{change.version} queue {namespace}/{name} has {len(written)} reservations of {concurrency[name]}"]
    return []


def _job(state: _State, change: Change) -> list[str]:
    run, uid, wrong = _run(change), change.obj["metadata"]["uid"], []
    if change.type == "ADDED":
        if state.used.setdefault(run, uid) != uid:
            wrong.append(f"@{change.version} run {run} was created twice")
        if not any(run in reserved for reserved in state.reservations.values()):
            wrong.append(f"@{change.version} run {run} was created without a reservation")
    if change.type == "DELETED":
        state.jobs.pop(run, None)
        return wrong
    state.jobs[run] = uid
    conditions = (change.obj.get("status") or {}).get("conditions") or []
    if any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in conditions):
        state.ended.add(run)
    return wrong


def _pod(state: _State, change: Change) -> list[str]:
    run, uid = _run(change), change.obj["metadata"]["uid"]
    if change.type == "DELETED" or (change.obj.get("status") or {}).get("phase") in _OVER:
        state.pods[run].discard(uid)
        if change.type != "DELETED":
            state.ended.add(run)
        return []
    state.pods[run].add(uid)
    return [f"@{change.version} run {run} has {len(state.pods[run])} pods"] if len(state.pods[run]) > 1 else []


def _together(state: _State, change: Change, concurrency: Mapping[str, int]) -> list[str]:
    """What lives at once. Looked at where something begins to live."""
    if change.type != "ADDED":
        return []
    live, wrong = state.live, []
    for uid, count in Counter(uid for uid, _ in live).items():
        if count > 1:
            wrong.append(f"@{change.version} {count} runs of {uid} live at once")
    for (namespace, queue), count in Counter(state.queues[uid] for uid, _ in live if uid in state.queues).items():
        if count > concurrency[queue]:
            wrong.append(f"@{change.version} {count} runs in {namespace}/{queue}, which allows {concurrency[queue]}")
    for key, count in Counter(state.keys[uid] for uid, _ in live if uid in state.keys).items():
        if count > 1:
            wrong.append(f"@{change.version} {count} runs hold {key}")
    return wrong
