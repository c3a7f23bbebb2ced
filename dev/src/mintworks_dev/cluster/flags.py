"""The command lines of the control plane's parts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def _words(program: Path, flags: Mapping[str, str | int | Path | bool]) -> list[str]:
    words = [str(program)]
    for flag, value in flags.items():
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        words.append(f"--{flag}={shown}")
    return words


def etcd(program: Path, data: Path, client_port: int, peer_port: int) -> list[str]:
    """An etcd for one cluster's short life: it does not wait for the disk."""
    client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    return _words(
        program,
        {
            "data-dir": data,
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "unsafe-no-fsync": True,
            "log-level": "warn",
        },
    )


def api_server(program: Path, pki: Path, *, etcd_port: int, address: str, port: int, services: str) -> list[str]:
    """An API server that trusts certificates alone; no anonymous reader, RBAC for everyone.

    OwnerReferencesPermissionEnforcement is on because clusters that have it (OpenShift) refuse what
    others let pass.
    """
    return _words(
        program,
        {
            "etcd-servers": f"http://127.0.0.1:{etcd_port}",
            "bind-address": address,
            "advertise-address": address,
            "secure-port": port,
            "cert-dir": pki,
            "tls-cert-file": pki / "apiserver.crt",
            "tls-private-key-file": pki / "apiserver.key",
            "client-ca-file": pki / "ca.crt",
            "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
            "service-account-key-file": pki / "sa.pub",
            "service-account-signing-key-file": pki / "sa.key",
            "service-cluster-ip-range": services,
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction,OwnerReferencesPermissionEnforcement",
            "anonymous-auth": False,
            "allow-privileged": True,
            # Nothing here is busier than a burst of jobs; the default shares starve one client of it.
            "max-requests-inflight": 1000,
            "max-mutating-requests-inflight": 500,
        },
    )


def audit(policy: Path, log: Path) -> list[str]:
    """The API server's further flags where it writes down who asked for what."""
    return _words(Path(), {"audit-policy-file": policy, "audit-log-path": log})[1:]


def evicting_after(seconds: int) -> list[str]:
    """The API server's further flag for pods to leave an unreachable node after so long (by default 300)."""
    return _words(Path(), {"default-unreachable-toleration-seconds": seconds})[1:]


def unreachable_after(seconds: int) -> list[str]:
    """The controller manager's further flags for a node to be unreachable after so long a silence (by default 50)."""
    return _words(
        Path(),
        {
            "node-monitor-grace-period": f"{seconds}s",
            "node-monitor-period": "1s",
            # Nodes a second whose pods are told to end; by default one in ten seconds.
            "node-eviction-rate": 10,
        },
    )[1:]


def kubelet_client(pki: Path) -> list[str]:
    """The API server's further flags where there is a kubelet to talk to."""
    return _words(
        Path(),
        {
            "kubelet-certificate-authority": pki / "ca.crt",
            "kubelet-client-certificate": pki / "apiserver-kubelet-client.crt",
            "kubelet-client-key": pki / "apiserver-kubelet-client.key",
            "kubelet-preferred-address-types": "InternalIP",
        },
    )[1:]


def _asking(kubeconfig: Path, serving: Path) -> dict[str, str | Path | bool]:
    """A part that asks the API server for everything, and is the only one of its kind."""
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "cert-dir": serving,
        "leader-elect": False,
    }


def controller_manager(program: Path, pki: Path, kubeconfig: Path, port: int) -> list[str]:
    """A controller manager fit for bursts of Jobs."""
    return _words(
        program,
        {
            **_asking(kubeconfig, pki / "controller-manager-serving"),
            "secure-port": port,
            "service-account-private-key-file": pki / "sa.key",
            "root-ca-file": pki / "ca.crt",
            "use-service-account-credentials": True,
            "allocate-node-cidrs": False,
            "kube-api-qps": 500,
            "kube-api-burst": 1000,
            "concurrent-job-syncs": 20,
            "concurrent-gc-syncs": 40,
        },
    )


def scheduler(program: Path, pki: Path, kubeconfig: Path, port: int = 10259) -> list[str]:
    """The scheduler."""
    return _words(
        program,
        {
            **_asking(kubeconfig, pki / "scheduler-serving"),
            "secure-port": port,
            "kube-api-qps": 200,
            "kube-api-burst": 400,
        },
    )
