"""`kubectl_complete-mintworks`: kubectl calls it for the words after `kubectl mintworks`, the last of which is to be
completed, and reads lines of a value and its description; the last line says what else may stand there.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import Final, NoReturn

from ..main import PROGRAM, app

#: What kubectl's shell functions do where nothing is offered: complete files, or nothing.
FILES: Final = ":0"
NOTHING: Final = ":4"
#: Flags whose values are files.
_PATHS: Final = frozenset({"-f", "--file", "--kubeconfig", "--state", "--wallet", "--rpc-file"})


def main() -> NoReturn:
    """The entry point."""
    words = sys.argv[1:]
    # What the completion of typer writes for fish has the form that kubectl wants.
    os.environ |= {
        f"_{PROGRAM.upper()}_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": shlex.join([PROGRAM, *words]),
    }
    try:
        app(prog_name=PROGRAM)
    except SystemExit:
        print(FILES if words[-2:-1] and words[-2] in _PATHS else NOTHING)
    sys.exit(0)
