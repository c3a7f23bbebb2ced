"""An object store for development: versitygw, built from its Go module, as a process here."""

from mintworks_dev.s3.versity import Versity

__all__ = ["Versity"]
