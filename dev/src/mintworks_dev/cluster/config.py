"""The configuration files of a node's parts, rendered from the cluster's layout. Pure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from mintworks_dev.cluster.layout import DOMAIN, MAX_PODS, Layout

PAUSE_IMAGE = "localhost/mintworks/pause:1"


def kubelet(layout: Layout) -> dict[str, Any]:
    """The kubelet's KubeletConfiguration."""
    root, pki = layout.root, layout.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.node_ip,
        "healthzBindAddress": "127.0.0.1",
        "readOnlyPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "clusterDNS": [layout.node_ip],
        "clusterDomain": DOMAIN,
        "resolvConf": "",
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        # A group of our own above the pods: two clusters, or this one and a real node, never meet.
        "cgroupRoot": f"/{layout.cgroup}",
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": True,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "maxPods": MAX_PODS,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 0,
        # Zero is refused; the machine's own disk is often fuller than the defaults allow.
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "50Mi"},
        # Images are imported, not pulled: what is collected could not be had again.
        "imageGCHighThresholdPercent": 100,
        "imageMaximumGCAge": "0s",
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(root / "pod-logs"),
        "volumePluginDir": str(root / "volume-plugins"),
        "shutdownGracePeriod": "0s",
        "nodeStatusUpdateFrequency": "10s",
        "syncFrequency": "10s",
    }


def proxy(layout: Layout) -> dict[str, Any]:
    """kube-proxy's KubeProxyConfiguration. The mode iptables would open every NodePort on loopback too."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig_of("proxy"))},
        "hostnameOverride": layout.node,
        "mode": "nftables",
        "clusterCIDR": str(layout.pods),
        "bindAddress": layout.node_ip,
        "healthzBindAddress": f"{layout.node_ip}:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # Zeros: leave the machine's own limits alone.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def network(layout: Layout) -> dict[str, Any]:
    """The CNI configuration: pods on a bridge, addresses from a folder of the cluster's own."""
    return {
        "cniVersion": "1.0.0",
        "name": layout.namespace,
        "plugins": [
            {
                "type": "bridge",
                "bridge": layout.bridge,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(layout.root / "ipam"),
                    "ranges": [[{"subnet": str(layout.pods)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }


UNUSED_PLUGINS = (
    "io.containerd.internal.v1.opt",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
)


def containerd(layout: Layout, plugins: Path, snapshotter: str = "overlayfs") -> str:
    """containerd's configuration (TOML); `plugins` is the folder of the CNI programs.

    The `snapshotter` native copies layers where overlayfs cannot mount them.

    restrict_oom_score_adj: without CAP_SYS_RESOURCE, as in many containers, every pod's sandbox dies
    otherwise ("can't get final child's PID from pipe: EOF").
    """
    # A JSON string or list of strings is a TOML one.
    quote = json.dumps
    home = layout.root / "containerd"
    return f"""\
version = 2
root = {quote(str(home / "root"))}
state = {quote(str(home / "state"))}
disabled_plugins = {quote(list(UNUSED_PLUGINS))}

[grpc]
  address = {quote(str(layout.containerd_socket))}

[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = {quote(PAUSE_IMAGE)}
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = {quote(snapshotter)}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = {quote(str(plugins))}
    conf_dir = {quote(str(layout.config / "cni"))}
"""


def corefile(layout: Layout) -> str:
    """CoreDNS's configuration.

    Two server blocks: a catch-all answer in the cluster's own block would hide the cluster's names.
    """
    return f"""\
{DOMAIN} in-addr.arpa ip6.arpa {{
    bind {layout.node_ip}
    errors
    health 127.0.0.1:18080
    ready {layout.node_ip}:18181
    kubernetes {{
        kubeconfig {layout.kubeconfig_of("coredns")} mintworks
        pods insecure
        ttl 5
    }}
    cache 5
}}
. {{
    bind {layout.node_ip}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def _binding(name: str, role: str, user: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def manifests() -> list[dict[str, Any]]:
    """What a new cluster holds from the start: its parts' rights and the default StorageClass."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "mintworks:coredns"},
            "rules": [
                {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ],
        },
        _binding("mintworks:coredns", "mintworks:coredns", "mintworks:coredns"),
        _binding("mintworks:volumes", "system:persistent-volume-provisioner", "mintworks:volumes"),
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": "standard",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            # Served by the part `volumes` with folders of the cluster's own.
            "provisioner": "mintworks.dev/folder",
            "reclaimPolicy": "Delete",
        },
    ]


def write(layout: Layout, plugins: Path, snapshotter: str) -> None:
    """Write every file of this module into `layout.config`."""
    files = {
        "kubelet.yaml": yaml.safe_dump(kubelet(layout), sort_keys=False),
        "proxy.yaml": yaml.safe_dump(proxy(layout), sort_keys=False),
        "cni/10-bridge.conflist": json.dumps(network(layout), indent=2),
        "containerd.toml": containerd(layout, plugins, snapshotter),
        "Corefile": corefile(layout),
        "manifests.yaml": yaml.safe_dump_all(manifests(), sort_keys=False),
    }
    for name, text in files.items():
        path = layout.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
