"""Whether layers of images can be laid over each other here, or must be copied."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from mintworks_dev import commands, debian


@cache
def works(folder: Path) -> bool:
    """Whether overlay mounts work below `folder`. On a file system that is one itself they do not."""
    folder.mkdir(parents=True, exist_ok=True)
    trial = Path(tempfile.mkdtemp(dir=folder, prefix=".overlay-"))
    try:
        for name in ("lower", "upper", "work", "merged"):
            (trial / name).mkdir()
        script = 'cd "$0" && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged'
        # In a mount namespace of its own, which takes the mount away again.
        commands.run("unshare", "--mount", "sh", "-c", script, trial, env=debian.environment())
    except commands.CommandError:
        return False
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    return True
