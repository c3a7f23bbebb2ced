"""JobSet beside the control plane: its own controller and CRD, from its Go module."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from mintworks_dev import golang
from mintworks_dev.cluster import established
from mintworks_dev.cluster.controlplane import free_ports

from .sides import Running, Side, bare_job, process
from .world import World

Json = dict[str, Any]

_MODULE = "sigs.k8s.io/jobset"
_CRD = "config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml"


def job_set(name: str, namespace: str) -> Json:
    """A JobSet of one Job, the same as a bare one; what JobSet's webhook would fill in is filled in."""
    job = bare_job(name, namespace)
    template = {"metadata": {"labels": job["metadata"]["labels"]}, "spec": {**job["spec"], "completionMode": "Indexed"}}
    spec = {
        # It would make a headless Service for each.
        "network": {"enableDNSHostnames": False, "publishNotReadyAddresses": True},
        "successPolicy": {"operator": "All"},
        "startupPolicy": {"startupPolicyOrder": "AnyOrder"},
        "replicatedJobs": [{"name": "run", "replicas": 1, "template": template}],
    }
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": meta, "spec": spec}


JOB_SETS = Side("/apis/jobset.x-k8s.io/v1alpha2/namespaces/{}/jobsets", job_set, b'"terminalState":"Completed"')


@contextmanager
def controller(world: World) -> Iterator[Running]:
    """Its controller, at work. Its webhooks are not registered: that saves it two calls for each object."""
    world.plane.kubectl("apply", "--server-side", "-f", golang.module_folder(golang.JOBSET, _MODULE) / _CRD)
    established(world.plane)
    # Its webhook server wants a certificate, whether or not anybody calls it.
    keys = world.folder / "webhook"
    keys.mkdir()
    shutil.copy(world.keys / "apiserver.crt", keys / "tls.crt")
    shutil.copy(world.keys / "apiserver.key", keys / "tls.key")
    webhook, health = free_ports(2)
    config = {
        "apiVersion": "config.jobset.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "webhook": {"host": "127.0.0.1", "port": webhook, "certDir": str(keys)},
        "health": {"healthProbeBindAddress": f"127.0.0.1:{health}"},
        "metrics": {"bindAddress": "0"},
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},
        # As good as none: the operator has no such limit either.
        "clientConnection": {"qps": 10_000, "burst": 10_000},
    }
    path = world.folder / "jobset.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [str(golang.ensure(golang.JOBSET)), f"--config={path}", "--zap-log-level=info"]
    with process(world, "jobset", command, {"KUBECONFIG": str(world.kubeconfig)}, "Starting workers") as running:
        yield running
