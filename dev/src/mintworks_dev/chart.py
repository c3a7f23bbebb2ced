"""`python -m mintworks_dev.chart [--check]`: the table of values in the README of the chart."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mintworks_dev import paths

BEGIN = "<!-- values: made by `python -m mintworks_dev.chart`; do not edit -->"
END = "<!-- /values -->"


def rows(schema: Mapping[str, Any], values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """(path, default as JSON, description) of every value, in the order of `values`.

    Maps of free keys and lists count as one value. Raises KeyError for a value that the schema does not know.
    """
    for name, default in values.items():
        below = schema["properties"][name]
        if "properties" in below:
            yield from rows(below, default, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", json.dumps(default), below["description"]


def item_rows(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    """The same for the fields of a list's items, which have no defaults."""
    for name, below in schema["items"]["properties"].items():
        yield f"{prefix}[].{name}", "", below["description"]


def table(schema: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The Markdown table of all values."""
    found = [*rows(schema, values)]
    after = next(number for number, row in enumerate(found) if row[0] == "tenants") + 1
    found[after:after] = item_rows(schema["properties"]["tenants"], "tenants")
    lines = [f"| `{path}` | {_shown(default)} | {text} |" for path, default, text in found]
    return "\n".join(["| value | default | what it is |", "|---|---|---|", *lines])


def _shown(default: str) -> str:
    # A long default would make the table unreadable; the file has it.
    if len(default) > 60:
        return "see values.yaml"
    return f"`{default}`" if default else ""


def readme(folder: Path) -> str:
    """The README in `folder` with its table as it ought to be. Raises ValueError where the marks are missing."""
    schema = json.loads((folder / "values.schema.json").read_text())
    values = yaml.safe_load((folder / "values.yaml").read_text())
    head, _, rest = (folder / "README.md").read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        raise ValueError(f"{folder / 'README.md'}: the marks {BEGIN} and {END} are missing")
    return f"{head}{BEGIN}\n{table(schema, values)}\n{END}{tail}"


def main() -> int:
    """Exit code 0, or 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m mintworks_dev.chart", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    options = parser.parse_args()
    folder = paths.repository() / "charts" / "mintworks"
    wanted = readme(folder)
    if options.check and (folder / "README.md").read_text() != wanted:
        print("charts/mintworks/README.md: its table differs from the values; run `make generate`", file=sys.stderr)
        return 1
    if not options.check:
        (folder / "README.md").write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
