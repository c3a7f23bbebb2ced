"""Files of rows for tests of the folder that they become."""

from __future__ import annotations

import csv
from pathlib import Path

#: Characters of a cell; seven of them make a document of four blocks.
LARGE = 120_000


def plain(path: Path, size: int) -> Path:
    """So many rows with text of all kinds; nothing in them needs trimming."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "description", "image_filename", "Colour", "Größe"])
        for number in range(size):
            writer.writerow([f"Genesis #{number}", f'"{number}"\n日本 🎌 \\', f"{number}.png", "red", number % 7 or ""])
    return path


def large(path: Path, size: int) -> Path:
    """So many rows whose documents have more than one block."""
    names = [f"Part {number}" for number in range(7)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "description", "image_filename", *names])
        for number in range(size):
            writer.writerow([f"Large #{number}", "", "a.png", *("x" * (LARGE + number) for _ in names)])
    return path
