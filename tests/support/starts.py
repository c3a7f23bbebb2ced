"""Jobs that cannot start: each with what keeps it from it, what the cluster says of that, and what cures it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from mintworks_api import API_VERSION, JOB_KINDS
from mintworks_dev.commands import CommandError
from mintworks_operator.core.texts import REASONS

from support.kube import Space, condition
from support.specs import CID
from support.webhook import MARK

Json = dict[str, Any]

QUEUE = "starts"
#: Long enough for the cluster to say why, on a machine that is busy; then a run gives its slot back.
START_TIMEOUT = "25s"
POLICY: Json = {
    "queue": QUEUE,
    "startTimeout": START_TIMEOUT,
    "maxStalled": 100,
    "backoff": {"type": "fixed", "delay": "8s", "jitter": 0},
}
ROWS = {"name": "rows", "key": "rows.csv"}
METADATA: Json = {
    "rows": {"configMap": ROWS},
    "images": {"map": {"configMap": {"name": "rows", "key": "images.csv"}}},
    "collection": {"name": "Starts"},
    "storage": {"kubo": {"url": "http://ipfs:5001"}},
}
CONTENT = {
    "rows.csv": "name,description,image_filename\nOne,The only one.,one.png\n",
    "images.csv": f"file,cid\none.png,{CID}\n",
}


@dataclass(frozen=True)
class Case:
    """A job `name` of `kind` whose spec is that of METADATA and `spec` over it.

    `causes` are there before the job and taken away to cure it; `cures` are applied then. Meanwhile the condition
    Progressing says `reason` and, among it, `words` of the cluster's own. A run that does not start ends as `ends`.
    """

    name: str
    reason: str
    words: str
    spec: Json = field(default_factory=dict)
    causes: Sequence[Json] = ()
    cures: Sequence[Json] = ()
    kind: str = "MetadataJob"
    ends: str = "StartTimeout"

    @property
    def plural(self) -> str:
        """As in URLs."""
        return JOB_KINDS[self.kind].plural

    @property
    def manifest(self) -> Json:
        """The job."""
        spec = {**(METADATA if self.kind == "MetadataJob" else {}), **POLICY, **self.spec}
        return {"apiVersion": API_VERSION, "kind": self.kind, "metadata": {"name": self.name}, "spec": spec}

    def progressing(self, at: Space) -> Json:
        """The condition that says how it goes."""
        return condition(at.status(self.plural, self.name), "Progressing")

    def started(self, at: Space) -> bool:
        """Whether it has had a slot."""
        return bool(at.status(self.plural, self.name).get("attempts", {}).get("runs"))

    def told(self, at: Space) -> Json | None:
        """That condition, once it says why."""
        found = self.progressing(at)
        return found if found.get("reason") == self.reason else None

    def given_up(self, at: Space) -> Json | None:
        """The status, once a run was given up and its slot is free."""
        status = at.status(self.plural, self.name)
        attempts = status.get("attempts", {})
        return (
            status if attempts.get("stalls") and status.get("phase") == "Backoff" and "active" not in status else None
        )

    def expect_told(self, found: Json) -> None:
        """It says first what to do, and then what the cluster says."""
        assert found["status"] == "False", found
        advice, _, cluster = found["message"].partition(REASONS[self.reason].todo)
        assert not advice, found
        assert self.words in cluster, found


def config_map(name: str, data: dict[str, str]) -> Json:
    """A ConfigMap."""
    meta = {"name": name, "labels": {MARK: "starts"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def waiting(cases: Sequence[Case]) -> list[Json]:
    """The queue, with a slot for each case; the rows; and what causes the cases."""
    queue = {"apiVersion": API_VERSION, "kind": "JobQueue", "metadata": {"name": QUEUE}}
    return [
        {**queue, "spec": {"concurrency": len(cases)}},
        config_map("rows", CONTENT),
        *(cause for case in cases for cause in case.causes),
    ]


def cure(at: Space, cases: Sequence[Case]) -> None:
    """The causes go."""
    causes = [cause for case in cases for cause in case.causes]
    if causes:
        at.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait=false", stdin=yaml.safe_dump_all(causes))
    cures = [done for case in cases for done in case.cures]
    if cures:
        at.apply(*cures)


def until_refused(at: Space, case: Case) -> None:
    """Return once the API server refuses a pod like that job's: what was applied takes a moment to count."""
    at.wait(f"{case.name} is refused", lambda: _refused(at, case))


def _refused(at: Space, case: Case) -> bool:
    resources = case.spec.get("runner", {}).get("resources", {})
    limits = {"memory": "512Mi", **resources.get("limits", {})}
    requests = {"cpu": "100m", "memory": "128Mi", **resources.get("requests", {})}
    container = {
        "name": "runner",
        "image": "runner",
        "resources": {"limits": limits, "requests": requests},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": case.name, "labels": {"mintworks.dev/job": case.name}},
        "spec": {
            "containers": [container],
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            **({"activeDeadlineSeconds": 60} if "timeout" in case.spec else {}),
        },
    }
    try:
        at.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))
    except CommandError:
        return True
    return False


def _wait(at: Space, case: Case, what: str, probe: Callable[[Space], Json | None]) -> Json:
    found: Json = at.wait(f"{case.name} {what}", lambda: probe(at), 90)
    return found


def until_told(at: Space, case: Case) -> None:
    """Return once the job says why it does not start: first what to do, and then what the cluster says."""
    case.expect_told(_wait(at, case, f"says {case.reason}", case.told))


def goes_through(at: Space, cases: Sequence[Case], cures: Callable[[], None] | None = None) -> None:
    """Each job says why it does not start, gives its slot back, and succeeds once the cause is gone.

    `cures`: what else has to be done to that end.
    """
    after = Case("after", "", "")
    at.apply(*(case.manifest for case in cases))
    at.wait("each has had a slot", lambda: all(case.started(at) for case in cases))
    at.apply(after.manifest)
    for case in cases:
        until_told(at, case)
    described = at.kubectl("describe", "metadatajobs,mintjobs")
    for case in cases:
        assert REASONS[case.reason].todo in described, case.name
    for case in cases:
        status = _wait(at, case, "is given up", case.given_up)
        record = status["attempts"]["last"][0]
        assert (record["outcome"], record["reason"]) == ("Stalled", case.ends), case.name
        assert record["message"].startswith(REASONS[case.reason].todo), record
        assert case.words in record["message"], record
        assert status["attempts"]["made"] == 0, case.name
    # None of the others can have ended: the slot that it has had is one that was given back.
    at.wait("another job has had a slot", lambda: after.started(at))
    cure(at, cases)
    if cures is not None:
        cures()
    for case in (*cases, after):
        status = at.finished(case.plural, case.name)
        assert status["phase"] == "Succeeded", at.describe()
        assert status["attempts"]["made"] == 1, case.name
