"""Which runner does which kind. A module is imported only when its kind runs: the mint runner's libraries are large."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from .context import Runner
from .errors import InvalidInput

RUNNERS: Final[dict[str, str]] = {
    "CleanupJob": "mintworks_runners.cleanup.runner",
    "MetadataJob": "mintworks_runners.metadata.runner",
    "MintJob": "mintworks_runners.mint.runner",
    "UploadJob": "mintworks_runners.upload.runner",
}
"""Kind → module whose function `run(context)` does it."""


def runner_of(kind: str) -> Runner:
    """The runner of the kind. InvalidInput `UnknownKind` where this image has none."""
    module = RUNNERS.get(kind)
    if module is None:
        raise InvalidInput.one("UnknownKind", f"this runner image has no runner for {kind}")
    runner: Runner = import_module(module).run
    return runner
