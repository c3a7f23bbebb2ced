"""Coverage-guided fuzzing of the readers of archives, names and SVGs: `python -m fuzz.archives SECONDS FOLDER`.

Any bytes end as files with names that do no harm, or as a message that a person can read; never as another error, as
more content than the limits allow, or as more time. FOLDER keeps the corpus, and an input that broke a rule.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from tarfile import GNU_FORMAT

import atheris

with atheris.instrument_imports(include=["mintworks_runners.upload"]):
    from mintworks_runners.core.errors import InvalidInput
    from mintworks_runners.upload import archive
    from mintworks_runners.upload.members import BrokenMember, Limits, Member, shown
    from mintworks_runners.upload.names import NAME_BYTES, BadName, Names
    from mintworks_runners.upload.svg import UnsafeSvg, check_svg
    from mintworks_runners.upload.tarreader import BLOCK

from support.archives import PNG, SVG, flagged, many_entries, special, svg, tarred, zipped

from fuzz.driving import fuzz

LIMITS = Limits(files=100, file_size=1 << 16, total_size=1 << 18, pixels=1, frames=1)
MESSAGE = 1000
"""Characters of a message for people."""


def short(tar: bytes) -> bytes:
    """The tar without most of its closing blocks: it would be too long for a seed."""
    whole = len(tar.rstrip(b"\0")) // BLOCK + 1
    return tar[: (whole + 1) * BLOCK]


_SEEDS = [
    zipped([("a.png", PNG), ("b/c.png", PNG)]),
    zipped([("a.png", b"\0" * 100_000)]),
    flagged(zipped([("a.png", PNG)]), 1),
    many_entries(3),
    short(tarred(("a.png", PNG), ("é" * 60 + "/b.png", PNG))),
    short(tarred(("a" * 120 + "/b.png", PNG), form=GNU_FORMAT)),
    tarred(("a.png", PNG), mode="w:gz"),
    short(tarred(special("a.png", b"2", "/etc/passwd"), special("b.png", b"S"))),
    SVG,
    svg("<style>a{fill:url(#b)}</style><script/>", 'onload="x"', '<!DOCTYPE svg [<!ENTITY a "b">]>'),
]
_WORDS = [
    "PK\\x01\\x02",
    "PK\\x03\\x04",
    "PK\\x05\\x06",
    "PK\\x06\\x06",
    "\\x1f\\x8b\\x08",
    "ustar",
    "path=",
    "../",
    "url(",
]


def mended(data: bytes) -> bytes:
    """The bytes, with right checksums where headers of a tar stand: else hardly any would be read further."""
    blocks = [bytearray(data[start : start + BLOCK]) for start in range(0, len(data), BLOCK)]
    for block in blocks:
        if block[257:262] == b"ustar" and len(block) == BLOCK:
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
    return b"".join(blocks)


def check(data: bytes, path: Path) -> None:
    """Read the bytes as an archive and as an SVG; AssertionError where a rule is broken."""
    path.write_bytes(mended(data))
    names, read, entries = Names(), 0, 0
    try:
        with archive.opened(path, LIMITS, "files") as members:
            for member in members:
                entries += 1
                assert entries <= LIMITS.entries
                read += _read(member)
                _check_name(names, member.path)
                if read > LIMITS.total_size:
                    break
    except InvalidInput as error:
        _readable(error.message)
    try:
        check_svg(path)
    except UnsafeSvg as error:
        _readable(str(error))


def _read(member: Member) -> int:
    """How much of the member was read; nobody reads on past the limits."""
    read = 0
    if member.wrong is not None or member.size > LIMITS.file_size:
        return 0
    try:
        for chunk in member.content():
            read += len(chunk)
            assert read <= member.size, "no more comes out than was said"
    except BrokenMember as error:
        _readable(str(error))
    return read


def _readable(message: str) -> None:
    assert message.isprintable()
    assert 0 < len(message) < MESSAGE


def _check_name(names: Names, path: bytes) -> None:
    assert shown(path).isprintable()
    try:
        name = names.take(path)
    except BadName as error:
        _readable(str(error))
        return
    assert name.isprintable()
    assert not {"/", "\\", "\0"} & set(name)
    assert name not in ("", ".", "..")
    assert len(name.encode()) <= NAME_BYTES


def main(seconds: int, folder: Path) -> None:
    """Fuzz for so long; ends the process."""
    path = Path(tempfile.mkdtemp()) / f"archive-{os.getpid()}"
    fuzz(lambda data: check(data, path), _SEEDS, _WORDS, (seconds, folder))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
