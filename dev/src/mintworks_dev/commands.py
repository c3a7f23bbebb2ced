"""Run programs, and make their failures readable."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class CommandError(RuntimeError):
    """A program failed. The text names it, its exit code and the end of what it said."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        self.code = code
        self.output = output
        shown = " ".join(command[:8]) + (" …" if len(command) > 8 else "")
        super().__init__(f"{shown}: exit {code}\n{_tail(output)}")


def _tail(output: str, lines: int = 25) -> str:
    return "\n".join(output.strip().splitlines()[-lines:])


def run(
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run `command` to its end and return its standard output.

    `env` is laid over this process's environment. Raises CommandError for an exit code other than 0 and
    subprocess.TimeoutExpired after `timeout` seconds.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise CommandError(words, done.returncode, done.stderr or done.stdout)
    return done.stdout


def follow(
    command: Sequence[str],
    on_line: Callable[[str], None],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run `command` and hand each line that it prints (stdout and stderr alike) to `on_line`.

    Raises CommandError with the last lines for an exit code other than 0.
    """
    lines: list[str] = []
    with subprocess.Popen(
        list(command),
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            on_line(line.rstrip())
    if process.returncode:
        raise CommandError(command, process.returncode, "".join(lines[-200:]))
