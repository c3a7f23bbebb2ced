"""A real Kubernetes without Docker and without a registry: the control plane alone, or with a node."""

from mintworks_dev.cluster.choice import CHOICES, REGISTRY_HELP, AnyCluster, Kubernetes, choose
from mintworks_dev.cluster.controlplane import ControlPlane
from mintworks_dev.cluster.crds import established
from mintworks_dev.cluster.kwok import Kwok
from mintworks_dev.cluster.local import Cluster

__all__ = [
    "CHOICES",
    "REGISTRY_HELP",
    "AnyCluster",
    "Cluster",
    "ControlPlane",
    "Kubernetes",
    "Kwok",
    "choose",
    "established",
]
