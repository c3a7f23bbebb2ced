"""The chart, rendered by the real helm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_dev import commands, golang

CHART = Path(__file__).parents[3] / "charts" / "mintworks"
SEED = "a-seed-for-tests-0123456789"

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


def helm_template(*settings: str, release: str = "mw", namespace: str = "mintworks") -> str:
    """What `helm template` prints with each of `settings` as one --set. Raises CommandError when it fails."""
    options = [word for setting in settings for word in ("--set", setting)]
    return commands.run(golang.ensure(golang.HELM), "template", release, CHART, "--namespace", namespace, *options)


@pytest.fixture(scope="session")
def render() -> Render:
    """`render("a=b", …)`: the manifests of the chart with a seed and these settings."""

    def rendered(*settings: str, **options: str) -> list[Manifest]:
        text = helm_template(f"redis.seed={SEED}", *settings, **options)
        return [manifest for manifest in yaml.safe_load_all(text) if manifest]

    return rendered


@pytest.fixture(scope="session")
def full(render: Render) -> list[Manifest]:
    """Everything that the chart can make, for two tenants."""
    return render(
        "tenants[0].namespace=genesis",
        "tenants[0].createNamespace=true",
        "tenants[1].namespace=drops",
        "tenants[1].egress[0].to[0].ipBlock.cidr=10.9.0.0/16",
        "operator.replicas=2",
        "operator.podDisruptionBudget.enabled=true",
        "imagePullSecrets[0].name=pull",
        "extraLabels.team=drops",
    )
