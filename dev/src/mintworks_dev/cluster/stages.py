"""What pods on nodes without a kubelet do, as kwok's stages. Pure.

A job's name says how its runs end: the letters before its first hyphen, one a run, the last one for all further runs.
`ffo-rows` fails twice and succeeds in its third run. No stage ends a run of `h`: it works until it is stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

TOLD = "t"
"""The letter of a run that succeeds once its pod has the annotation TOLD_MARK."""
TOLD_MARK = "kwok.mintworks.dev/told"

_LABEL = ".metadata.labels"
# The letter of this pod's run.
_LETTER = (
    f'({_LABEL}["mintworks.dev/job"] // "h" | split("-")[0]) as $s'
    f' | ([({_LABEL}["mintworks.dev/run"] // "1" | tonumber), ($s | length)] | min) as $n | $s[$n-1:$n]'
)
_READY = '[.status.conditions[]? | select(.type == "Ready") | .status] | first // "None"'

_ENDED = """\
phase: %(phase)s
%(conditions)s
containerStatuses:
- name: runner
  image: {{ (index .spec.containers 0).image | Quote }}
  ready: false
  restartCount: 0
  started: false
  state:
    terminated:
      exitCode: %(code)d
      reason: %(reason)s
      startedAt: {{ (index .status.containerStatuses 0).state.running.startedAt | Quote }}
      finishedAt: {{ Now | Quote }}
      message: %(message)s
"""

_RUNNING = """\
phase: Running
startTime: {{ Now | Quote }}
conditions:
{{ range $type := list "Initialized" "Ready" "ContainersReady" }}
- {type: {{ $type }}, status: "True", lastTransitionTime: {{ Now | Quote }}}
{{ end }}
containerStatuses:
- name: runner
  image: {{ (index .spec.containers 0).image | Quote }}
  ready: true
  restartCount: 0
  started: true
  state:
    running:
      startedAt: {{ Now | Quote }}
"""

_NODE = """\
phase: Running
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ Now | Quote }}
  lastTransitionTime: {{ Now | Quote }}
{{ end }}
allocatable: {cpu: 1k, memory: 1Ti, pods: 1M}
capacity: {cpu: 1k, memory: 1Ti, pods: 1M}
"""


def stages(results: Mapping[str, Json], seconds: float) -> list[Json]:
    """The stages, where a run takes so many seconds and tells `results[KIND]` when it succeeds."""
    refused: Json = {"reason": "BadRows", "message": "1 row is bad."}
    stopped: Json = {"reason": "Stopped", "message": "Stopped before the work was finished."}
    failed: Json = {"reason": "KuboAway", "message": "Kubo does not answer."}
    of_kind = 'if eq (index .metadata.labels "mintworks.dev/kind")'
    good = "".join(
        f'{{{{ {of_kind} "{kind}" }}}}{_text({"result": result})}{{{{ end }}}}' for kind, result in results.items()
    )
    marked = _expression(f'.metadata.annotations["{TOLD_MARK}"] // ""', "NotIn", "")
    evicted = 'conditions: [{type: DisruptionTarget, status: "True", reason: EvictionByEvictionAPI}]'
    return [
        _stage("node", "Node", [_expression(_READY, "NotIn", "True")], _NODE),
        _stage("start", "Pod", [_phase("Pending"), _alive(), _expression(".spec.nodeName", "Exists")], _RUNNING),
        _end("o", seconds, _ended(0, good)),
        _end(TOLD, seconds, _ended(0, good), marked),
        _end("f", seconds, _ended(1, _text(failed))),
        _end("b", seconds, _ended(64, _text(refused))),
        _end("s", seconds, _ended(75, _text(stopped))),
        _end("e", seconds, _ended(137, '""', evicted)),
        # As a kubelet does: the container ends first, then the pod goes.
        _stage("stop", "Pod", [_phase("Running"), _dying()], _ended(75, _text(stopped))),
        _stage("remove", "Pod", [_phase("Pending", "Succeeded", "Failed"), _dying()], None),
    ]


def node(name: str) -> Json:
    """A node for pods to be bound to."""
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}}


def _end(letter: str, seconds: float, template: str, *further: Json) -> Json:
    chosen = [_phase("Running"), _alive(), _expression(_LETTER, "In", letter), *further]
    return _stage(f"end-{letter}", "Pod", chosen, template, seconds)


def _ended(code: int, message: str, conditions: str = "") -> str:
    phase, reason = ("Failed", "Error") if code else ("Succeeded", "Completed")
    return _ENDED % {
        "phase": phase,
        "reason": reason,
        "code": code,
        "message": message,
        "conditions": conditions,
    }


def _text(message: Json) -> str:
    """JSON as a string in YAML."""
    return json.dumps(json.dumps(message, separators=(",", ":")))


def _expression(key: str, operator: str, *values: str) -> Json:
    return {"jq": {"key": key, "operator": operator, **({"values": list(values)} if values else {})}}


def _phase(*phases: str) -> Json:
    return _expression(".status.phase", "In", *phases)


def _alive() -> Json:
    return _expression(".metadata.deletionTimestamp", "DoesNotExist")


def _dying() -> Json:
    return _expression(".metadata.deletionTimestamp", "Exists")


def _stage(name: str, kind: str, chosen: list[Json], template: str | None, seconds: float = 0) -> Json:
    spec: Json = {"resourceRef": {"apiGroup": "v1", "kind": kind}, "selector": {"matchExpressions": chosen}}
    if seconds:
        # Up to twice as long, so that pods do not end in step.
        spec["delay"] = {
            "durationMilliseconds": int(seconds * 1000),
            "jitterDurationMilliseconds": int(seconds * 2000),
        }
    patch = {"subresource": "status", "root": "status", "template": template, "type": "strategic"}
    spec["steps"] = [{"delete": True}] if template is None else [{"patch": patch}]
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}
