"""`make demo`: the example, run in a cluster and watched to its end, and then checked from outside."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import aleph_cid
import httpx
import yaml
from mintworks_api import JOB_KINDS

from mintworks_dev import paths
from mintworks_dev.cluster import AnyCluster
from mintworks_dev.cluster.forward import forwarded
from mintworks_dev.progress import step, to_stderr

from .values import RESOURCES, WORLD

NAMESPACE = "demo"
MINT_JOB = "genesis-mint"
TIMEOUT = 600.0
"""Seconds until the example must have ended; it takes about one minute."""

_FINISHED = ("Succeeded", "Failed", "Cancelled")


class DemoError(RuntimeError):
    """The demonstration did not end as it should; the text says what there was instead."""


def run(tools: AnyCluster) -> str:
    """Run examples/genesis in the namespace `demo`, on a new chain, and return the last line.

    Raises DemoError where a job fails, or where what the cluster says is not what chain and gateway hold.
    """
    example = paths.repository() / "examples" / "genesis"
    with step("clearing what an earlier demonstration left"):
        _clear(tools)
    with step("giving Kubo the example's pictures"):
        _import_pictures(tools, example)
    to_stderr(f"kubectl apply -n {NAMESPACE} -f examples/genesis")
    tools.kubectl("apply", "-n", NAMESPACE, "-f", str(example))
    status = _watch(tools)
    result = status["result"]
    with step("reading every document and picture back from the gateway"):
        _check_gateway(tools, status["inputs"]["cid"], result["items"])
    minted = result["minted"] + result["already"]
    return f"demo: {minted}/{result['items']} minted, audit {result['audit']}"


def _clear(tools: AnyCluster) -> None:
    tools.kubectl("delete", "-n", NAMESPACE, RESOURCES, "--all", "--wait", timeout=180)
    # A chain that holds the example's NFTs already would leave nothing to watch.
    tools.kubectl("rollout", "restart", "-n", WORLD, "deployment/localnet")
    tools.kubectl("rollout", "status", "-n", WORLD, "deployment/localnet", "--timeout=120s", timeout=150)


def _import_pictures(tools: AnyCluster, example: Path) -> None:
    wanted = yaml.safe_load((example / "metadatajob.yaml").read_text())["spec"]["images"]["cid"]
    with tempfile.TemporaryDirectory() as folder, forwarded(tools, WORLD, "ipfs", 5001) as kubo:
        car = Path(folder) / "pictures.car"
        if (root := aleph_cid.write_folder_car(example / "images", car)) != wanted:
            raise DemoError(f"the pictures' folder is {root}; metadatajob.yaml names {wanted}: run `make generate`")
        with car.open("rb") as file:
            answer = httpx.post(f"{kubo}/api/v0/dag/import?pin-roots=true", files={"file": file}, timeout=60)
        answer.raise_for_status()


def _watch(tools: AnyCluster) -> dict[str, Any]:
    """Show each change of the jobs' progress until the mint job ends, and return its status."""
    shown: dict[str, str] = {}
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        jobs = json.loads(tools.kubectl("get", "-n", NAMESPACE, RESOURCES, "-o", "json"))["items"]
        for job in (j for j in jobs if j["kind"] in JOB_KINDS):
            name = f"{job['kind']}/{job['metadata']['name']}"
            line = _line(job.get("status", {}))
            if shown.get(name) != line:
                shown[name] = line
                to_stderr(f"  {name:<32} {line}")
            if job["metadata"]["name"] == MINT_JOB and job.get("status", {}).get("phase") in _FINISHED:
                status: dict[str, Any] = job["status"]
                if status["phase"] != "Succeeded":
                    raise DemoError(tools.kubectl("describe", "-n", NAMESPACE, "mintjob", MINT_JOB))
                return status
        time.sleep(0.5)
    raise DemoError(f"not ended within {TIMEOUT:.0f} s\n" + tools.kubectl("describe", "-n", NAMESPACE, RESOURCES))


def _line(status: dict[str, Any]) -> str:
    progress = status.get("progress", {})
    words = (status.get("phase", "Pending"), *(progress.get(name, "") for name in ("summary", "step", "message")))
    return "  ".join(word for word in words if word)


def _check_gateway(tools: AnyCluster, cid: str, items: int) -> None:
    with forwarded(tools, WORLD, "ipfs", 8080) as gateway, httpx.Client(base_url=gateway, timeout=30) as http:
        for index in range(items):
            document = http.get(f"/ipfs/{cid}/{index}.json").raise_for_status().json()
            http.get(f"/ipfs/{document['image'].removeprefix('ipfs://')}").raise_for_status()
