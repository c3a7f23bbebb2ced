from __future__ import annotations

import ipaddress
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_dev.cluster import config, flags
from mintworks_dev.cluster.layout import MAX_PODS, Layout

LAYOUT = Layout("dev", Path('/a "quoted" folder'), 2)


@pytest.fixture
def containerd() -> dict[str, Any]:
    return tomllib.loads(config.containerd(LAYOUT, Path("/plugins"), "native"))


def test_containerd_is_told_every_path_whatever_characters_it_has(containerd: dict[str, Any]) -> None:
    assert containerd["root"] == '/a "quoted" folder/containerd/root'
    assert containerd["grpc"]["address"] == str(LAYOUT.containerd_socket)


def test_containerd_makes_pods_without_the_right_to_lower_scores(containerd: dict[str, Any]) -> None:
    cri = containerd["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["restrict_oom_score_adj"] is True
    assert cri["sandbox_image"] == config.PAUSE_IMAGE
    assert cri["containerd"]["snapshotter"] == "native"
    assert cri["cni"] == {"bin_dir": "/plugins", "conf_dir": str(LAYOUT.config / "cni")}


def test_there_are_addresses_for_all_pods_the_kubelet_admits() -> None:
    pods = ipaddress.IPv4Network(config.network(LAYOUT)["plugins"][0]["ipam"]["ranges"][0][0]["subnet"])
    assert config.kubelet(LAYOUT)["maxPods"] == MAX_PODS
    # Twice: those that are going hold theirs until they are gone.
    assert pods.num_addresses > 2 * MAX_PODS


def test_the_kubelet_lets_nobody_in_without_a_name() -> None:
    kubelet = config.kubelet(LAYOUT)
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}
    assert kubelet["readOnlyPort"] == 0


def test_pods_ask_the_name_server_that_the_corefile_binds() -> None:
    assert config.kubelet(LAYOUT)["clusterDNS"] == [LAYOUT.node_ip]
    assert config.corefile(LAYOUT).count(f"bind {LAYOUT.node_ip}\n") == 2


def test_proxy_and_network_agree_on_the_pods() -> None:
    assert config.proxy(LAYOUT)["clusterCIDR"] == str(LAYOUT.pods)
    assert config.proxy(LAYOUT)["mode"] == "nftables"


def test_the_default_storage_class_is_served_by_the_cluster_itself() -> None:
    classes = [each for each in config.manifests() if each["kind"] == "StorageClass"]
    assert len(classes) == 1
    assert classes[0]["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    own = Layout("dev", tmp_path)
    config.write(own, Path("/plugins"), "overlayfs")
    assert yaml.safe_load((own.config / "kubelet.yaml").read_text()) == config.kubelet(own)
    assert json.loads((own.config / "cni" / "10-bridge.conflist").read_text()) == config.network(own)
    assert list(yaml.safe_load_all((own.config / "manifests.yaml").read_text())) == config.manifests()


def test_the_api_server_knows_nobody_without_a_certificate_or_token() -> None:
    command = flags.api_server(
        Path("/bin/kube-apiserver"), Path("/pki"), etcd_port=1, address="127.0.0.1", port=2, services="10.96.0.0/16"
    )
    assert command[0] == "/bin/kube-apiserver"
    assert {"--anonymous-auth=false", "--authorization-mode=Node,RBAC", "--secure-port=2"} <= set(command)
    assert "--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement" in command


def test_the_kubelet_client_flags_are_flags_only() -> None:
    assert all(word.startswith("--kubelet-") for word in flags.kubelet_client(Path("/pki")))
