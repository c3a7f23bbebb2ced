"""Coverage-guided fuzzing of the reader of rows: `python -m fuzz.rows SECONDS FOLDER`.

Any bytes end as rows, whose documents are JSON that says what the rows say, or as findings that a person can read;
never as another error, as more memory or as more time. FOLDER keeps the corpus, and an input that broke a rule.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mintworks_runners.metadata"]):
    from mintworks_api.metadatajob import CollectionData
    from mintworks_runners.core.errors import FULL_FINDINGS, Findings, InvalidInput
    from mintworks_runners.metadata.consistency import Consistency
    from mintworks_runners.metadata.documents import Documents
    from mintworks_runners.metadata.rows import Row, read_rows
    from mintworks_runners.metadata.text import TextFile
    from mintworks_runners.solana.metadata import MAX_NAME_BYTES

from support.badrows import BAD, CARRIED

from fuzz.driving import fuzz

MESSAGE = 1000
"""Characters of a message for people."""

_WORDS = [
    "name",
    "image_filename",
    "attr:",
    ":number",
    ":date",
    "index",
    "sep=;",
    '\\"',
    "\\xff\\xfe",
    "\\\\ud800",
    "1e9",
]
_DOCUMENTS = Documents(CollectionData(name="Fuzz"))


def check(data: bytes, path: Path) -> None:
    """Read the bytes as rows; AssertionError where a rule is broken."""
    path.write_bytes(data)
    findings, consistency = Findings(), Consistency("rows")
    try:
        for row in read_rows(TextFile(path, "rows"), findings=findings, images=True, consistency=consistency):
            _check_row(row)
    except InvalidInput as error:
        found = error.findings
        assert 0 < len(found) <= FULL_FINDINGS
        assert all(len(one.message) < MESSAGE and str(one).encode() for one in found if one.column is None)
    else:
        assert not findings.total
    consistency.close()


def _check_row(row: Row) -> None:
    assert 0 < len(row.name.encode()) <= MAX_NAME_BYTES
    made = json.loads(_DOCUMENTS.document(row, "ipfs://x", row.animation))
    assert (made["name"], made["description"]) == (row.name, row.description)
    shown = [(one["trait_type"], one["value"], one.get("display_type")) for one in made["attributes"]]
    assert shown == [tuple(one) for one in row.attributes]


def main(seconds: int, folder: Path) -> None:
    """Fuzz for so long; ends the process."""
    cases = [*(bad[0] for bad in BAD.values()), *(odd[0] for odd in CARRIED.values())]
    seeds = [case.encode() if isinstance(case, str) else case for case in cases]
    path = Path(tempfile.mkdtemp()) / f"rows-{os.getpid()}"
    fuzz(lambda data: check(data, path), seeds, _WORDS, (seconds, folder))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
