"""What every fuzzer here does: seeds, a dictionary, bounds, and a folder for what is found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

INPUT_BYTES = 4096
MEMORY_MB = 1024
INPUT_SECONDS = 10


def fuzz(check: Callable[[bytes], None], seeds: Iterable[bytes], words: Iterable[str], run: tuple[int, Path]) -> None:
    """Give `check` inputs for so many seconds; ends the process. What breaks a rule is left in the folder."""
    seconds, folder = run
    corpus, first = folder / "corpus", folder / "seeds"
    for made in (corpus, first):
        made.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds):
        if len(data) <= INPUT_BYTES:
            (first / str(number)).write_bytes(data)
    dictionary = folder / "words"
    dictionary.write_text("".join(f'"{word}"\n' for word in words))
    options = {
        "max_total_time": seconds,
        "max_len": INPUT_BYTES,
        "rss_limit_mb": MEMORY_MB,
        "timeout": INPUT_SECONDS,
        "dict": dictionary,
        "artifact_prefix": f"{folder}/",
        "print_final_stats": 1,
    }
    arguments = [sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(corpus), str(first)]
    atheris.Setup(arguments, check)
    atheris.Fuzz()
