"""A cluster's own network and mount namespace, and its control group.

All parts live inside. When the last one has ended, the kernel takes their mounts, links, nftables rules
and addresses away with the namespaces; this machine's own firewall is never touched.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from mintworks_dev import commands, debian
from mintworks_dev.cluster import mountpoints
from mintworks_dev.cluster.layout import Layout
from mintworks_dev.cluster.processes import Parts
from mintworks_dev.cluster.waiting import until

HOLDER = "holder"
"""The part that does nothing but hold the mount namespace."""

SHADOWED = {
    "/run/containerd": "run-containerd",
    "/var/lib/cni": "cni-results",
    "/var/lib/kubelet": "var-lib-kubelet",
    "/var/log/containers": "log-links",
}
"""Paths that some part has built in: inside the mount namespace each is a folder of the cluster's own."""

NETNS_FOLDER = Path("/run/netns")
CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21


class RightsError(RuntimeError):
    """The process may not do what a local cluster takes."""


def check_rights() -> None:
    """Raise RightsError unless namespaces, links and mounts may be made here."""
    effective = 0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            effective = int(line.split()[1], 16)
    lacking = [
        name
        for name, bit in (("CAP_NET_ADMIN", CAP_NET_ADMIN), ("CAP_SYS_ADMIN", CAP_SYS_ADMIN))
        if not effective >> bit & 1
    ]
    if os.geteuid() != 0 or lacking:
        raise RightsError(
            "a local cluster makes network namespaces, mounts and control groups, for which it must run as "
            f"root (user id {os.geteuid()} here{', without ' + ' and '.join(lacking) if lacking else ''}); "
            "use sudo, or --cluster=kind or --cluster=current"
        )


def _ip(*arguments: str) -> str:
    return commands.run("ip", *arguments, env=debian.environment())


def host_routes() -> list[ipaddress.IPv4Network]:
    """The destinations of this machine's IPv4 routes, the default route aside."""
    entries = json.loads(_ip("-json", "-4", "route", "show", "table", "all") or "[]")
    found = []
    for entry in entries:
        destination = entry.get("dst", "default")
        if destination != "default" and entry.get("type", "unicast") == "unicast":
            found.append(ipaddress.IPv4Network(destination, strict=False))
    return found


def check_addresses(layout: Layout, routes: list[ipaddress.IPv4Network]) -> None:
    """Raise RuntimeError when a route of this machine lies inside the cluster's addresses."""
    for own in (layout.pods, layout.services, layout.link):
        for route in routes:
            if route.subnet_of(own):
                raise RuntimeError(
                    f"this machine has a route to {route} already, inside the cluster's {own}; "
                    "choose other addresses with MINTWORKS_SLOT (a multiple of 4, below 64)"
                )


def network_up(layout: Layout) -> None:
    """Make the network namespace with its bridge, and the cable and the two routes that lead there."""
    inside = ("-netns", layout.namespace)
    with mountpoints.alone():
        _ip("netns", "add", layout.namespace)
    _ip(*inside, "link", "set", "lo", "up")
    _ip("link", "add", layout.host_link, "type", "veth", "peer", "name", layout.inner_link, "netns", layout.namespace)
    _ip("address", "add", f"{layout.host_ip}/30", "dev", layout.host_link)
    _ip("link", "set", layout.host_link, "up")
    _ip(*inside, "address", "add", f"{layout.gateway_ip}/30", "dev", layout.inner_link)
    _ip(*inside, "link", "set", layout.inner_link, "up")
    # There before all else: its address is the node's own, and the CNI plugin adopts it.
    _ip(*inside, "link", "add", layout.bridge, "type", "bridge")
    _ip(*inside, "address", "add", f"{layout.node_ip}/{layout.pods.prefixlen}", "dev", layout.bridge)
    _ip(*inside, "link", "set", layout.bridge, "up")
    _ip(*inside, "route", "add", "default", "via", layout.host_ip)
    for destination in (layout.pods, layout.services):
        _ip("route", "add", str(destination), "via", layout.gateway_ip)


def network_down(layout: Layout) -> None:
    """Remove what `network_up` made, as far as it is there. The routes go with the cable."""
    if Path("/sys/class/net", layout.host_link).exists():
        _ip("link", "delete", layout.host_link)
    with mountpoints.alone():
        if (NETNS_FOLDER / layout.namespace).exists():
            _ip("netns", "delete", layout.namespace)
        # `ip netns` mounts this folder onto itself, and leaves that behind.
        if NETNS_FOLDER.is_dir() and not any(NETNS_FOLDER.iterdir()):
            for _ in range(mount_points().count(str(NETNS_FOLDER))):
                commands.run("umount", NETNS_FOLDER, env=debian.environment())
            NETNS_FOLDER.rmdir()


def take_over(layout: Layout) -> None:
    """Remove what is left of a cluster of this name whose processes are gone, and whose folder is another's.

    Raises RuntimeError while any of its processes lives.
    """
    members = cgroup_members(layout) | network_members(layout)
    if members:
        raise RuntimeError(
            f"another checkout's cluster has the name {layout.namespace} (process {min(members)} is of it): take that "
            "one down first, or choose another name and other addresses with MINTWORKS_SLOT (a multiple of 4, below 64)"
        )
    network_down(layout)
    remove_cgroups(layout)


def mount_points() -> list[str]:
    """Every mount point that this process sees; one mounted twice is there twice."""
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def hold(layout: Layout, parts: Parts) -> None:
    """Start the process that holds the mount namespace, with SHADOWED and the network's settings in place."""
    script = ["set -e", "mount --make-rshared /"]
    for path, name in SHADOWED.items():
        own = layout.root / "shadow" / name
        own.mkdir(parents=True, exist_ok=True)
        mountpoints.claim(layout, Path(path))
        script.append(f"mount --bind {shlex.quote(str(own))} {path}")
    script += [
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
        # A Service's answer between two pods on the bridge must pass the rules that rewrote the question.
        "test -e /proc/sys/net/bridge || modprobe br_netfilter",
        "echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables",
        f"touch {shlex.quote(str(layout.root / 'held'))}",
        "exec sleep infinity",
    ]
    (layout.root / "held").unlink(missing_ok=True)
    network = NETNS_FOLDER / layout.namespace
    parts.start(
        HOLDER,
        ["nsenter", f"--net={network}", "unshare", "--mount", "--propagation", "slave", "sh", "-c", "\n".join(script)],
        env=debian.environment(),
    )
    until((layout.root / "held").exists, "the cluster's namespaces", 20, broken=parts.obituary)


def inside(parts: Parts, *command: str | Path) -> list[str]:
    """`command`, run in the cluster's namespaces. Raises RuntimeError when nothing holds them."""
    holder = parts.get(HOLDER)
    if holder is None or not holder.alive:
        raise RuntimeError("the cluster is not up")
    # Not `ip netns exec`: that hides the control groups' mounts.
    return ["nsenter", f"--target={holder.pid}", "--net", "--mount", "--", *map(str, command)]


def cgroup_folders(layout: Layout) -> list[Path]:
    """The cluster's control group in every hierarchy of this machine (one with version 2)."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount_point, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            found.append(Path(mount_point) / layout.cgroup)
    return found


def make_cgroups(layout: Layout) -> None:
    """Make the control group that the kubelet puts its pods under."""
    for folder in cgroup_folders(layout):
        folder.mkdir(exist_ok=True)


def _beneath(folder: Path) -> Iterator[Path]:
    """The folders of a control group, the deepest first."""
    for path, _, _ in os.walk(folder, topdown=False):
        yield Path(path)


def cgroup_members(layout: Layout) -> set[int]:
    """The ids of all processes in the cluster's control groups: those of the pods."""
    found: set[int] = set()
    for top in cgroup_folders(layout):
        for folder in _beneath(top):
            try:
                found.update(map(int, (folder / "cgroup.procs").read_text().split()))
            except OSError:
                # A pod's group went in the meantime.
                continue
    return found


def remove_cgroups(layout: Layout) -> None:
    """Remove the control groups, which must be empty; the kernel empties them a little late."""

    def gone() -> bool:
        for top in cgroup_folders(layout):
            for folder in _beneath(top):
                try:
                    folder.rmdir()
                except OSError:
                    return False
        return True

    until(gone, "the removal of the control groups", 10)


def network_members(layout: Layout) -> set[int]:
    """The ids of all processes in the cluster's network namespace: its parts and the pods' keepers."""
    try:
        wanted = (NETNS_FOLDER / layout.namespace).stat().st_ino
    except FileNotFoundError:
        return set()
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if (folder / "ns" / "net").stat().st_ino == wanted:
                    found.add(int(folder.name))
            except OSError:
                continue
    return found
