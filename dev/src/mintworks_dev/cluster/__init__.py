"""A real Kubernetes without Docker and without a registry: the control plane alone, or with a node."""

from mintworks_dev.cluster.controlplane import ControlPlane

__all__ = ["ControlPlane"]
