"""The API server and the models say the same of any spec: what one stores the other reads, and both refuse the rest."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kubernetes.client.exceptions import ApiException
from mintworks_api import JOB_KINDS, JOB_SCHEDULE, OTHER_KINDS
from mintworks_api.base import Model
from mintworks_dev.cluster import ControlPlane
from pydantic import ValidationError
from support.crdgen import Damaged, allowed, crds, damaged, spec_schema
from support.kubelet import GROUP, PLURALS, Kubelet

CRDS = crds()
MODELS: dict[str, type[Model]] = {k: v.spec for k, v in JOB_KINDS.items()}
MODELS |= {k: v.spec for k, v in OTHER_KINDS.items()}
#: Specs of each kind.
GOOD, BAD = 100, 250
#: What only a cluster demands: a model lets it pass, for `mintworks run`.
ONLY_IN_A_CLUSTER = tuple(r.message for m in MODELS.values() for r in m.rules if r.cluster_only)
#: What no schema can say: the operator tells of it in a condition.
ONLY_IN_A_MODEL = {"schedule", "timeZone"}


def test_every_kind_has_its_crd() -> None:
    assert CRDS.keys() == MODELS.keys() == PLURALS.keys()


@pytest.mark.parametrize("kind", CRDS)
def test_what_the_schema_allows(control_plane: ControlPlane, kind: str, request: pytest.FixtureRequest) -> None:
    good = allowed(spec_schema(CRDS[kind])).map(lambda spec: Damaged(spec, "spec", "nothing"))
    counted = _compare(control_plane, kind, good, GOOD, request.config.getoption("seed"))
    assert counted["stored"] >= 0.9 * GOOD, "what is made from the schema is not what it allows"


@pytest.mark.parametrize("kind", CRDS)
def test_what_is_wrong_somewhere(control_plane: ControlPlane, kind: str, request: pytest.FixtureRequest) -> None:
    bad = damaged(spec_schema(CRDS[kind]))
    counted = _compare(control_plane, kind, bad, BAD, request.config.getoption("seed"))
    assert counted["refused"] >= 0.4 * BAD, "hardly anything that is wrong"


def _compare(
    plane: ControlPlane, kind: str, specs: st.SearchStrategy[Damaged], examples: int, seed: int
) -> Counter[str]:
    space, counted = Kubelet(plane.kubeconfig, "default"), Counter[str]()

    def agree(found: Damaged) -> None:
        stored, refusal = _ask(space, kind, found.spec)
        counted["stored" if refusal is None else "refused"] += 1
        where = f"{kind} {found.path}, {found.what}: {json.dumps(found.spec)[:1000]}"
        if refusal is None:
            if kind == JOB_SCHEDULE.kind and _places(kind, stored) <= ONLY_IN_A_MODEL:
                return
            assert _problem(kind, stored) is None, f"stored, but not readable: {_problem(kind, stored)}; {where}"
            # What was sent may be written in another way: a null that is dropped, 1.0 for 1.
            same = json.dumps(stored, sort_keys=True) == json.dumps(found.spec, sort_keys=True)
            assert not same or _problem(kind, found.spec) is None, where
            return
        assert refusal["code"] in {400, 422}, refusal
        assert _named(found, refusal["message"]), f"{refusal['message']}; {where}"
        only_there = any(words in refusal["message"] for words in ONLY_IN_A_CLUSTER)
        assert only_there or _problem(kind, found.spec) is not None, f"{refusal['message']}; {where}"

    print(f"--seed={seed}")
    drawn = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(given(specs)(agree))
    hypothesis.seed(seed)(drawn)()
    return counted


def _ask(space: Kubelet, kind: str, spec: Any) -> tuple[Any, dict[str, Any] | None]:
    """What the API server would store, or its refusal; as kubectl asks, which sends unknown fields back."""
    body = {"apiVersion": "/".join(GROUP), "kind": kind, "metadata": {"name": "a"}, "spec": spec}
    try:
        made = space.custom.create_namespaced_custom_object(
            *GROUP, space.namespace, PLURALS[kind], body, dry_run="All", field_validation="Strict"
        )
    except ApiException as error:
        refusal: dict[str, Any] = json.loads(error.body or "{}")
        return None, refusal
    return made["spec"], None


def _problem(kind: str, spec: Any) -> str | None:
    try:
        MODELS[kind].parse(spec)
    except ValidationError as error:
        return str(error)
    return None


def _places(kind: str, spec: Any) -> set[str]:
    """The fields that a model finds fault with."""
    try:
        MODELS[kind].parse(spec)
    except ValidationError as error:
        return {".".join(map(str, e["loc"])) for e in error.errors()}
    return set()


def _named(found: Damaged, message: str) -> bool:
    """Whether a person reads which field it is, or in which object it is."""
    parts = [part for part in found.path.split(".") if part and not part.isdigit()]
    return any(part in message for part in parts[-2:])
