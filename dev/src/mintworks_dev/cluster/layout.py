"""Where a cluster's files, addresses and names are. Pure: nothing here touches the system."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

POD_PREFIX = 22
"""A node's pod range: 1,019 addresses, room for hundreds of pods and for those that are just going."""

MAX_PODS = 500
DOMAIN = "cluster.local"
SLOTS = 64
"""Clusters that have addresses of their own on one machine."""

SOCKET_PATH_LIMIT = 107
"""Bytes in the path of a UNIX socket that the kernel takes."""


@dataclass(frozen=True)
class Layout:
    """One cluster: its `name` (at most 6 letters), its folder, and a `slot` that sets its addresses apart."""

    name: str
    root: Path
    slot: int = 0

    def __post_init__(self) -> None:
        if not self.name.isalnum() or len(self.name) > 6:
            raise ValueError(f"cluster name {self.name!r}: 1 to 6 letters and digits (link names are short)")
        if not 0 <= self.slot < SLOTS:
            raise ValueError(f"slot {self.slot}: 0 to {SLOTS - 1}")
        longest = str(self.root / "containerd" / "containerd.sock.ttrpc")
        if len(longest.encode()) > SOCKET_PATH_LIMIT:
            raise ValueError(
                f"{longest}: longer than {SOCKET_PATH_LIMIT} bytes, too long for a socket; "
                "set MINTWORKS_BUILD to a shorter folder"
            )

    @property
    def namespace(self) -> str:
        """The network namespace's name."""
        return f"mintworks-{self.name}"

    @property
    def cgroup(self) -> str:
        """The control group above all pods, relative to the hierarchy's root."""
        return f"mintworks-{self.name}"

    @property
    def node(self) -> str:
        """The name of the one Node."""
        return f"mintworks-{self.name}"

    @property
    def bridge(self) -> str:
        """The pods' bridge, inside the namespace."""
        return f"mw-{self.name}-br"

    @property
    def host_link(self) -> str:
        """The machine's own end of the cable into the namespace."""
        return f"mw-{self.name}-out"

    @property
    def inner_link(self) -> str:
        """The namespace's end of it."""
        return f"mw-{self.name}-in"

    @property
    def pods(self) -> ipaddress.IPv4Network:
        """The pods' addresses. The first is the node's own, on the bridge."""
        return ipaddress.IPv4Network(f"10.245.{self.slot * 4}.0/{POD_PREFIX}")

    @property
    def services(self) -> ipaddress.IPv4Network:
        """The Services' addresses. The first is the API server's."""
        return ipaddress.IPv4Network(f"10.{97 + self.slot}.0.0/16")

    @property
    def link(self) -> ipaddress.IPv4Network:
        """The two addresses of the cable: first this machine's, then the namespace's."""
        return ipaddress.IPv4Network(f"10.244.255.{self.slot * 4}/30")

    @property
    def host_ip(self) -> str:
        """The machine itself, as pods see it: what listens there (or on every address) can be reached."""
        return str(self.link[1])

    @property
    def gateway_ip(self) -> str:
        """The namespace's end of the cable."""
        return str(self.link[2])

    @property
    def node_ip(self) -> str:
        """The node, the API server, the kubelet and the name server."""
        return str(self.pods[1])

    @property
    def service_ip(self) -> str:
        """The Service `kubernetes` in `default`."""
        return str(self.services[1])

    @property
    def server(self) -> str:
        """The API server's URL, reachable from this machine and from pods."""
        return f"https://{self.node_ip}:6443"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def config(self) -> Path:
        """The parts' configuration files."""
        return self.root / "config"

    @property
    def logs(self) -> Path:
        """A log for each part."""
        return self.root / "logs"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "admin.kubeconfig"

    @property
    def containerd_socket(self) -> Path:
        """The container runtime's socket."""
        return self.root / "containerd" / "containerd.sock"

    def kubeconfig_of(self, part: str) -> Path:
        """The kubeconfig of a part of the cluster, such as `kubelet`."""
        return self.config / f"{part}.kubeconfig"
