"""A process of its own that looks into pictures: `python -m mintworks_runners.upload.decoder PIXELS FRAMES`.

Decoders are large, and what they read is anybody's: here they have little memory, no files to write and no secrets to
read that the parent has not, and when one crashes or never ends, its process is all that is lost. One JSON object a
line: {path, type} comes in, {problem} goes out: null, or reason and message.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from itertools import count
from pathlib import Path
from typing import Final, TextIO

from PIL import Image, UnidentifiedImageError

from .svg import UnsafeSvg, check_svg

PIXELS_IN_ALL: Final = 1 << 30
"""Pixels of all frames together."""

BYTES_A_PIXEL: Final = 8
_SPARE: Final = 96 << 20
_FORMATS: Final = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP", "avif": "AVIF"}

Problem = tuple[str, str]


def problem_of(path: Path, kind: str, pixels: int, frames: int) -> Problem | None:
    """Why the file is no picture of its type that can be taken, as reason and message; None where it is one."""
    try:
        if kind == "svg":
            check_svg(path)
            return None
        return _decode(path, _FORMATS[kind], pixels, frames)
    except UnsafeSvg as error:
        return "UnsafeSvg", str(error)
    except UnidentifiedImageError:
        return "BrokenImage", f"it is no {kind} that can be read"
    except MemoryError:
        return "ImageTooLarge", "decoding it takes too much memory"
    except Exception as error:
        return "BrokenImage", f"it cannot be decoded: {error or type(error).__name__}"


def _decode(path: Path, form: str, pixels: int, frames: int) -> Problem | None:
    with Image.open(path, formats=[form]) as image:
        for number in count():
            try:
                image.seek(number)
            except EOFError:
                return None
            width, height = image.size
            if width * height > pixels:
                return "ImageTooLarge", f"{width} by {height} pixels: more than {pixels} in all (limits.pixels)"
            if number >= frames:
                return "ImageTooLarge", f"more than {frames} frames (limits.frames)"
            if (number + 1) * width * height > PIXELS_IN_ALL:
                return "ImageTooLarge", f"its frames have more than {PIXELS_IN_ALL} pixels together"
            image.load()
    return None


def _confine(pixels: int) -> None:
    """As much memory as an image within the limits takes, and no file that is written."""
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    room = in_use + _SPARE + BYTES_A_PIXEL * pixels
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(requests: TextIO, answers: TextIO, pixels: int, frames: int) -> None:
    """Answers requests until there are none."""
    for line in requests:
        asked = json.loads(line)
        problem = problem_of(Path(asked["path"]), asked["type"], pixels, frames)
        answers.write(json.dumps({"problem": problem}) + "\n")
        answers.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    # The limits are the job's, and stricter.
    Image.MAX_IMAGE_PIXELS = None
    Image.init()
    _confine(int(sys.argv[1]))
    main(sys.stdin, sys.stdout, int(sys.argv[1]), int(sys.argv[2]))
