"""IPFS for development: Kubo, built from its Go module, as a process here or as an image in the cluster."""

from mintworks_dev.ipfs.kubo import Kubo, local

__all__ = ["Kubo", "local"]
