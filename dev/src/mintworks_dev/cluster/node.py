"""Bring a cluster with a node up and down, part by part."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import subprocess
from functools import partial
from pathlib import Path

import httpx

from mintworks_dev import commands, debian, golang, inputs, overlay, paths
from mintworks_dev.cluster import config, flags, isolation, kubeconfig, mountpoints, pki
from mintworks_dev.cluster.client import Reader, Tools
from mintworks_dev.cluster.layout import Layout
from mintworks_dev.cluster.processes import Parts, Process, stop
from mintworks_dev.cluster.waiting import NotReadyError, until
from mintworks_dev.images import archive
from mintworks_dev.progress import step

TIMEOUT = 120.0
"""Seconds for any one part to become ready; on a calm machine all of them take five."""

KEPT = ("containerd", "logs")
"""What stays in the cluster's folder from one start to the next: the images, and the logs for reading."""

STOPPING = ("proxy", "coredns", "volumes", "containerd", "scheduler", "controller-manager", "apiserver", "etcd")
"""The order of the end, after the kubelet and the pods: nobody loses what they still need to clean up."""


class Node:
    """The parts of the cluster `layout`, and how they start and stop."""

    def __init__(self, layout: Layout, patience: int | None = None) -> None:
        self.layout = layout
        self.patience = patience
        self.parts = Parts(layout.root / "parts", layout.root / "logs")
        self.programs = paths.binaries()

    def running(self) -> bool:
        """Whether every part runs and the node is ready, or becomes so: a burst of others' work slows it."""
        names = set(self.parts.names())
        if not {*STOPPING, "kubelet", isolation.HOLDER} <= names or self.parts.obituary():
            return False
        with contextlib.closing(self._reader()) as reader:
            try:
                until(lambda: self._node_ready(reader), "the node", TIMEOUT, broken=self.parts.obituary)
            except NotReadyError:
                return False
        return True

    def up(self) -> None:
        """Start everything; returns when pods can be run. Whatever fails, what was started is stopped."""
        layout = self.layout
        debian.ensure()
        for program in (golang.KUBERNETES, golang.COREDNS, golang.PAUSE):
            golang.ensure(program)
        if self._remains():
            self.down()
        isolation.take_over(layout)
        isolation.check_addresses(layout, isolation.host_routes())
        try:
            with step(f"starting cluster {layout.name}") as running:
                self._prepare_folder()
                self._write_files()
                isolation.make_cgroups(layout)
                isolation.network_up(layout)
                isolation.hold(layout, self.parts)
                with contextlib.closing(self._reader()) as reader:
                    running.detail = "control plane"
                    self._start_control_plane(reader)
                    running.detail = "images"
                    self._import_pause()
                    running.detail = "node"
                    self._start_node(reader)
                running.detail = f"kubeconfig {layout.kubeconfig}"
        except BaseException:
            self.down()
            raise

    def _reader(self) -> Reader:
        return Reader(self.layout.server, self.layout.pki, "admin")

    def _remains(self) -> list[Path]:
        """What a cluster that is up, or was not stopped properly, has in its folder."""
        root = self.layout.root
        return [entry for entry in root.iterdir() if entry.name not in KEPT] if root.exists() else []

    def _prepare_folder(self) -> None:
        root = self.layout.root
        root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.layout.logs, ignore_errors=True)
        # The running state of a containerd that was killed would confuse the next one.
        shutil.rmtree(root / "containerd" / "state", ignore_errors=True)

    def _write_files(self) -> None:
        layout = self.layout
        authority = pki.Authority(layout.pki, datetime.datetime.now(datetime.UTC))
        leaves = pki.control_plane_leaves(layout.node_ip, layout.service_ip)
        leaves |= pki.node_leaves(layout.node, layout.node_ip)
        for name, leaf in leaves.items():
            authority.issue(name, leaf)
        pki.write_token_keys(layout.pki)
        for part in ("controller-manager", "scheduler", "kubelet", "proxy", "coredns", "volumes"):
            kubeconfig.write(layout.kubeconfig_of(part), layout.server, layout.pki, part)
        kubeconfig.write(layout.kubeconfig, layout.server, layout.pki, "admin")
        config.write(layout, debian.cni_plugins(), self._snapshotter())
        (layout.root / "containerd").mkdir(exist_ok=True)

    def _snapshotter(self) -> str:
        return "overlayfs" if overlay.works(self.layout.root) else "native"

    def _start(self, name: str, command: list[str]) -> None:
        self.parts.start(name, isolation.inside(self.parts, *command), env=debian.environment())

    def _wait(self, reader: Reader, path: str, what: str) -> None:
        until(lambda: reader.ok(path), what, TIMEOUT, broken=self.parts.obituary)

    def _start_control_plane(self, reader: Reader) -> None:
        layout, programs = self.layout, self.programs
        self._start("etcd", flags.etcd(programs / "etcd", layout.root / "etcd", 2379, 2380))
        server = flags.api_server(
            programs / "kube-apiserver",
            layout.pki,
            etcd_port=2379,
            address=layout.node_ip,
            port=6443,
            services=str(layout.services),
        )
        self._start("apiserver", server + flags.kubelet_client(layout.pki))
        self._start("containerd", ["containerd", "-c", str(layout.config / "containerd.toml")])
        self._wait(reader, "/readyz", "API server")
        manager = flags.controller_manager(
            programs / "kube-controller-manager", layout.pki, layout.kubeconfig_of("controller-manager"), 10257
        )
        if self.patience is not None:
            manager += flags.unreachable_after(self.patience)
        self._start("controller-manager", manager)
        self._start(
            "scheduler",
            flags.scheduler(programs / "kube-scheduler", layout.pki, layout.kubeconfig_of("scheduler")),
        )
        Tools(layout.kubeconfig).kubectl("apply", "-f", layout.config / "manifests.yaml")

    def start_kubelet(self) -> None:
        """Start the kubelet; returns before the node is ready."""
        layout, programs = self.layout, self.programs
        kubelet = {
            "config": layout.config / "kubelet.yaml",
            "kubeconfig": layout.kubeconfig_of("kubelet"),
            "root-dir": layout.root / "kubelet",
            "cert-dir": layout.pki / "kubelet-serving",
            "node-ip": layout.node_ip,
            "hostname-override": layout.node,
        }
        self._start("kubelet", [str(programs / "kubelet"), *(f"--{flag}={value}" for flag, value in kubelet.items())])

    def _start_node(self, reader: Reader) -> None:
        layout, programs = self.layout, self.programs
        self.start_kubelet()
        self._start("proxy", [str(programs / "kube-proxy"), f"--config={layout.config / 'proxy.yaml'}"])
        self._start("coredns", [str(programs / "coredns"), "-conf", str(layout.config / "Corefile")])
        self._start(
            "volumes", [str(programs / "volumes"), str(layout.kubeconfig_of("volumes")), str(layout.root / "volumes")]
        )
        until(lambda: self._node_ready(reader), "the node", TIMEOUT, broken=self.parts.obituary)
        for what, address in (("CoreDNS", "18181/ready"), ("kube-proxy", "10256/healthz")):
            url = f"http://{layout.node_ip}:{address}"
            until(partial(_answers, url), what, TIMEOUT, broken=self.parts.obituary)
        self._wait(reader, "/api/v1/namespaces/default/serviceaccounts/default", "controller manager")

    def _node_ready(self, reader: Reader) -> bool:
        answer = reader.get(f"/api/v1/nodes/{self.layout.node}")
        if answer is None or answer.status_code != httpx.codes.OK:
            return False
        conditions = answer.json()["status"].get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def ctr(self, *arguments: str | Path) -> str:
        """Run containerd's `ctr` on the images that the kubelet sees, and return what it prints."""
        # Only "images import" takes a snapshotter as an option; all of ctr reads the variable.
        environment = {**debian.environment(), "CONTAINERD_SNAPSHOTTER": self._snapshotter()}
        address = f"--address={self.layout.containerd_socket}"
        return commands.run("ctr", address, "--namespace=k8s.io", *arguments, env=environment)

    def _import_pause(self) -> None:
        until(self.layout.containerd_socket.exists, "containerd", TIMEOUT, broken=self.parts.obituary)
        target = paths.build() / "images" / "pause.tar"
        program = golang.ensure(golang.PAUSE)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.stat().st_mtime < program.stat().st_mtime:
            archive.write(target, config.PAUSE_IMAGE, {"/pause": program}, ["/pause"])
        self.load_image(target, config.PAUSE_IMAGE)

    def load_image(self, file: Path, reference: str, also: str = "") -> None:
        """Make the image `reference` of an archive known to the kubelet, under the name `also` too.

        Does nothing where this was done with the same archive. Raises CommandError where containerd
        refuses it.
        """
        stamp = self.layout.root / "containerd" / "imported" / file.name
        status = file.stat()
        value = f"{status.st_size} {status.st_mtime_ns} {also}"
        stamp.parent.mkdir(parents=True, exist_ok=True)
        with inputs.locked(stamp.with_suffix(".lock")):
            if inputs.fresh(stamp, value):
                return
            self.ctr("images", "import", file)
            if also:
                self.ctr("images", "tag", "--force", reference, also)
            stamp.write_text(value)

    def down(self) -> None:
        """Stop everything in order, and take every trace off this machine; images and logs stay."""
        layout, parts = self.layout, self.parts
        parts.stop("kubelet")
        runtime = parts.get("containerd")
        if runtime and runtime.alive:
            with contextlib.suppress(commands.CommandError, subprocess.TimeoutExpired):
                # What this cannot remove, say because containerd hangs, is killed below.
                commands.run(
                    self.programs / "rmpods",
                    f"unix://{layout.containerd_socket}",
                    env=debian.environment(),
                    timeout=60,
                )
        for name in STOPPING:
            parts.stop(name)
        members = isolation.cgroup_members(layout) | isolation.network_members(layout)
        stop([process for pid in members if (process := _process(pid))], timeout=2)
        parts.stop(isolation.HOLDER, timeout=1)
        isolation.network_down(layout)
        isolation.remove_cgroups(layout)
        mountpoints.release(layout)
        for entry in self._remains():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _process(pid: int) -> Process | None:
    try:
        return Process.of(pid)
    except ProcessLookupError:
        return None


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=2).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
