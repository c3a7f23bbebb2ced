"""What the demonstration installs under which names, and what it takes for its own."""

from __future__ import annotations

from typing import Any

import pytest
from mintworks_dev.stack.ownership import claim
from mintworks_dev.stack.values import OWN, RELEASE, SYSTEM, chart_values, namespace

CRD = "CustomResourceDefinition"


def crd(**annotations: str) -> dict[str, Any]:
    """A CRD with these annotations of Helm's."""
    named = {f"meta.helm.sh/release-{part}": value for part, value in annotations.items()}
    return {"kind": CRD, "metadata": {"name": "mintjobs.mintworks.dev", "annotations": named}}


def test_images_are_named_as_the_nodes_know_them() -> None:
    references = {name: f"registry.test:5000/mintworks/{name}:0123" for name in ("operator", "runner", "redis", "ipfs")}
    values = chart_values(["demo"], references, "a-seed-of-sixteen-characters")
    assert values["images"] == {
        name: {"repository": f"registry.test:5000/mintworks/{name}", "tag": "0123"}
        for name in ("operator", "runner", "redis")
    }
    assert values["redis"]["seed"] == "a-seed-of-sixteen-characters"
    assert values["extraLabels"] == OWN


@pytest.mark.parametrize(
    ("thing", "whose"),
    [
        (namespace("demo"), ""),
        (namespace("demo") | {"metadata": {"name": "demo"}}, "not made by the demonstration"),
        (crd(name=RELEASE, namespace=SYSTEM), ""),
        (crd(name=RELEASE, namespace="staging"), f"release {RELEASE} in staging"),
        (crd(name="mintworks", namespace=SYSTEM), f"release mintworks in {SYSTEM}"),
        (crd(), "not made by Helm"),
        ({"kind": CRD, "metadata": {"name": "mintjobs.mintworks.dev"}}, "not made by Helm"),
    ],
)
def test_what_is_the_demonstrations_own(thing: dict[str, Any], whose: str) -> None:
    assert claim(thing) == whose
