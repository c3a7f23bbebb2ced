"""A control plane alone, for integration tests: a real API server in seconds, without root and without pods."""

from __future__ import annotations

import datetime
import json
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any, Self

from mintworks_dev import golang, paths
from mintworks_dev.cluster import flags, kubeconfig, pki
from mintworks_dev.cluster.client import Reader, Tools
from mintworks_dev.cluster.crds import established
from mintworks_dev.cluster.processes import Parts
from mintworks_dev.cluster.waiting import NotReadyError, until
from mintworks_dev.lifetime import UpAndDown

TIMEOUT = 60.0
"""Seconds until a control plane must be up; on a calm machine it takes four."""

PARTS = ("etcd", "apiserver", "controller-manager", "scheduler")
ATTEMPTS = 3


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody has now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


class ControlPlane(Tools, UpAndDown):
    """etcd, kube-apiserver and kube-controller-manager on free ports of 127.0.0.1, in a temporary folder.

    Use it as a context manager; `kubeconfig` is the administrator's. Jobs and other objects are accepted
    and their controllers act, but no pod is ever scheduled, unless a `scheduler` is asked for and someone (kwok) makes
    nodes. With `audited`, what service accounts ask for is written down, in the namespace `bodies` with the bodies.
    `patience` shortens how many seconds a node may be silent before it is unreachable, and to four times as many how
    long its pods stay on it. With `crds`, Mintworks' are served before the controllers start: the garbage collector
    learns of later ones only half a minute on, and till then nothing goes with its owner.
    """

    def __init__(
        self,
        *,
        crds: bool = False,
        scheduler: bool = False,
        audited: bool = False,
        bodies: str = "",
        patience: int | None = None,
    ) -> None:
        self._crds = crds
        self._scheduler = scheduler
        self._patience = patience
        self._audited = audited
        self._bodies = bodies
        self._folder = Path(tempfile.mkdtemp(prefix="mintworks-"))
        self._parts = Parts(self._folder / "parts", self._folder / "logs")
        super().__init__(self._folder / "admin.kubeconfig")

    def up(self) -> Self:
        """Start it, and return when a namespace's default service account is there.

        Raises NotReadyError with the log of the part that failed.
        """
        golang.ensure(golang.KUBERNETES)
        self._write_keys()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._start(free_ports(5))
            except NotReadyError:
                # Between finding a port free and using it, someone else may have taken it.
                self._parts.stop(*PARTS)
                if attempt == ATTEMPTS:
                    raise
            else:
                break
        return self

    def audit(self, user: str) -> list[dict[str, Any]]:
        """The requests of a service account that were answered, watches as soon as they began. Needs `audited`.

        Each is an Event of audit.k8s.io: verb, objectRef, responseStatus and so on.
        """
        lines = self._audit_log.read_text().splitlines() if self._audit_log.exists() else []
        # The last line may be half written.
        events = (json.loads(line) for line in lines if line.endswith("}") and user in line)
        return [event for event in events if event["user"]["username"] == user]

    @property
    def _audit_log(self) -> Path:
        return self._folder / "audit.log"

    def _write_audit_policy(self) -> list[str]:
        """The API server's flags for it. The controllers' own accounts are left out: they ask for a lot."""
        if not self._audited:
            return []
        policy = self._folder / "audit-policy.yaml"
        asked: dict[str, Any] = {"userGroups": ["system:serviceaccounts"], "omitStages": ["RequestReceived"]}
        rules = [
            {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
            *([{**asked, "level": "Request", "namespaces": [self._bodies]}] if self._bodies else []),
            {**asked, "level": "Metadata"},
        ]
        policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))
        return flags.audit(policy, self._audit_log)

    def _write_keys(self) -> None:
        folder = self._folder / "pki"
        authority = pki.Authority(folder, datetime.datetime.now(datetime.UTC))
        leaves = pki.control_plane_leaves("127.0.0.1", "10.96.0.1")
        for name, leaf in {**leaves, "scheduler": pki.SCHEDULER}.items():
            authority.issue(name, leaf)
        pki.write_token_keys(folder)

    def _start(self, ports: list[int]) -> None:
        client, peer, secure, manager, scheduling = ports
        keys, programs = self._folder / "pki", golang.ensure(golang.KUBERNETES).parent
        server = f"https://127.0.0.1:{secure}"
        data = self._folder / "etcd"
        shutil.rmtree(data, ignore_errors=True)
        self._parts.start("etcd", flags.etcd(programs / "etcd", data, client, peer))
        command = flags.api_server(
            programs / "kube-apiserver",
            keys,
            etcd_port=client,
            address="127.0.0.1",
            port=secure,
            services="10.96.0.0/16",
        )
        # A loopback address may not be an endpoint of the Service `kubernetes`; nobody here asks for it.
        command += ["--endpoint-reconciler-type=none", *self._write_audit_policy()]
        if self._patience is not None:
            command += flags.evicting_after(4 * self._patience)
        self._parts.start("apiserver", command)
        kubeconfig.write(self.kubeconfig, server, keys, "admin")
        own = self._folder / "controller-manager.kubeconfig"
        kubeconfig.write(own, server, keys, "controller-manager")
        reader = Reader(server, keys, "admin")
        try:
            until(lambda: reader.ok("/readyz"), "API server", TIMEOUT, broken=self._broken)
            if self._crds:
                self.kubectl("apply", "--server-side", "--filename", paths.repository() / "crds")
                established(self)
            command = flags.controller_manager(programs / "kube-controller-manager", keys, own, manager)
            if self._patience is not None:
                command += flags.unreachable_after(self._patience)
            self._parts.start("controller-manager", command)
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            until(lambda: reader.ok(account), "controller manager", TIMEOUT, broken=self._broken)
            if self._scheduler:
                own = self._folder / "scheduler.kubeconfig"
                kubeconfig.write(own, server, keys, "scheduler")
                self._parts.start("scheduler", flags.scheduler(programs / "kube-scheduler", keys, own, scheduling))
        finally:
            reader.close()

    def _broken(self) -> str:
        return self._parts.obituary()

    def down(self) -> None:
        """Stop it and remove its folder."""
        self._parts.stop("scheduler", "controller-manager")
        self._parts.stop("apiserver")
        self._parts.stop("etcd")
        shutil.rmtree(self._folder)
