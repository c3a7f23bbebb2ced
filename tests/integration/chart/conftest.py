"""The chart, rendered by the real helm."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_dev import commands, golang
from mintworks_dev.cluster import ControlPlane

CHART = Path(__file__).parents[3] / "charts" / "mintworks"
SEED = "a-seed-for-tests-0123456789"

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


def helm_template(*settings: str, release: str = "mw", namespace: str = "mintworks") -> str:
    """What `helm template` prints with each of `settings` as one --set. Raises CommandError when it fails."""
    options = [word for setting in settings for word in ("--set", setting)]
    return commands.run(golang.ensure(golang.HELM), "template", release, CHART, "--namespace", namespace, *options)


def environment(made: list[Manifest], namespace: str) -> dict[str, str]:
    """The operator's variables as its pod has them in the release's namespace."""
    (deployment,) = [m for m in made if m["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = {"metadata.name": "pod-0", "metadata.uid": "uid-0", "metadata.namespace": namespace}
    found: dict[str, str] = {}
    for entry in container["env"]:
        value = entry.get("value") or given[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        # A kubelet fills in $(NAME) of the variables above; an operator that reads it literally would share its name.
        found[entry["name"]] = re.sub(r"\$\((\w+)\)", lambda name: found[name[1]], value)
    return found


def account_kubeconfig(plane: ControlPlane, namespace: str, account: str, folder: Path) -> Path:
    """A kubeconfig with a token of the service account and nothing else."""
    config = json.loads(plane.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = plane.kubectl("create", "token", account, "--namespace", namespace)
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


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
