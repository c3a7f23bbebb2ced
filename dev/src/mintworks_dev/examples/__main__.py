"""`python -m mintworks_dev.examples` writes the derived files of the examples; with `--check` it only compares."""

from __future__ import annotations

import argparse
from pathlib import Path

from mintworks_dev.examples.genesis import archived, derived
from mintworks_dev.examples.images import images
from mintworks_dev.paths import repository


def stale(folder: Path) -> dict[Path, bytes | None]:
    """The files of the example that differ from what they are derived from, with the content they should have.

    None stands for a picture that should not be there.
    """
    wanted = {folder / name: content for name, content in derived(folder).items()}
    found: dict[Path, bytes | None] = {
        path: content for path, content in wanted.items() if not path.is_file() or path.read_bytes() != content
    }
    return found | {path: None for path in (folder / "images").glob("*") if path not in wanted}


def stale_pictures(folder: Path) -> dict[Path, bytes | None]:
    """The same of examples/pictures."""
    wanted = {folder / name: content for name, content in archived(dict(images())).items()}
    return {path: data for path, data in wanted.items() if not path.is_file() or path.read_bytes() != data}


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Write the derived files of the examples.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file differs")
    check = parser.parse_args().check
    examples = repository() / "examples"
    found = stale(examples / "genesis") | stale_pictures(examples / "pictures")
    for path, content in found.items():
        print(f"{'differs' if check else 'written' if content is not None else 'removed'}: {path}")
        if check:
            continue
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return 1 if check and found else 0


if __name__ == "__main__":
    raise SystemExit(main())
