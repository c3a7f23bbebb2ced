"""What a cluster that was stopped left behind on this machine. Nothing, when all is well."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from mintworks_dev import commands, debian
from mintworks_dev.cluster import isolation, mountpoints
from mintworks_dev.cluster.layout import Layout

PROGRAMS = frozenset(
    name.encode()
    for name in (
        "containerd",
        "containerd-shim-runc-v2",
        "coredns",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-proxy",
        "kube-scheduler",
        "kubelet",
        "runc",
    )
)
"""The programs of a node, by name: an editor or a shell that names the folder is none of them."""


def leftovers(layout: Layout) -> list[str]:
    """One readable line for each process, mount, namespace, link, route, firewall table, control group and
    folder outside of build/ that is there and belongs to the cluster `layout`.
    """
    return [
        *_processes(layout),
        *_mounts(layout),
        *_network(layout),
        *_firewall(layout),
        *(f"control group {folder}" for folder in isolation.cgroup_folders(layout) if folder.exists()),
        *(f"folder {mark.parent}" for mark in mountpoints.marks(layout)),
    ]


def _processes(layout: Layout) -> list[str]:
    pids = isolation.cgroup_members(layout) | isolation.network_members(layout)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # A zombie has no command line, and holds nothing; its parent collects it when it likes.
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        program = words.split(b"\0", 1)[0].rsplit(b"/", 1)[-1]
        if program in PROGRAMS and belongs(words, layout):
            pids.add(int(folder.name))
    return [f"process {pid}" for pid in sorted(pids)]


def belongs(words: bytes, layout: Layout) -> bool:
    """Whether a command line names the cluster: another checkout's may have a longer name that begins alike. Pure."""
    names = (str(layout.root).encode(), layout.namespace.encode())
    return any(re.search(re.escape(name) + rb"(?![0-9A-Za-z])", words) for name in names)


def _mounts(layout: Layout) -> list[str]:
    network = str(isolation.NETNS_FOLDER / layout.namespace)
    return [
        f"mount {point}"
        for point in isolation.mount_points()
        if point == network or point.startswith(f"{layout.root}/")
    ]


def _network(layout: Layout) -> list[str]:
    found = []
    if (isolation.NETNS_FOLDER / layout.namespace).exists():
        found.append(f"network namespace {layout.namespace}")
    links = json.loads(commands.run("ip", "-json", "link", env=debian.environment()) or "[]")
    names = {layout.host_link, layout.inner_link, layout.bridge}
    found += [f"link {link['ifname']}" for link in links if link["ifname"] in names]
    own = (layout.pods, layout.services, layout.link)
    found += [f"route {route}" for route in isolation.host_routes() if any(route.subnet_of(each) for each in own)]
    return found


def _firewall(layout: Layout) -> list[str]:
    """Tables of this machine's nftables that name the cluster's addresses."""
    if not shutil.which("nft", path=debian.environment()["PATH"]):
        return []
    rules = commands.run("nft", "list", "ruleset", env=debian.environment())
    marks = (str(layout.pods), str(layout.services), layout.node_ip, layout.bridge)
    return [f"firewall rule {line.strip()}" for line in rules.splitlines() if any(mark in line for mark in marks)]
