"""Archives and files that must not pass: each ends in one clear message with its name, soon and in little memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.archives import (
    PNG,
    flagged,
    many_entries,
    picture,
    png_bomb,
    special,
    svg,
    tarred,
    zip_entry,
    zipped,
)
from support.runs import Run

SPEC: dict[str, Any] = {"files": {"archive": {"configMap": {"name": "images", "key": "archive"}}}}
SECONDS = 60
MEMORY = 220 << 20


@dataclass(frozen=True)
class Bad:
    """An archive, the reason for which it is refused, and words of the message; `spec` is added to the job's."""

    name: str
    archive: Callable[[], bytes]
    reason: str
    words: tuple[str, ...]
    spec: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def one(name: str, data: bytes = PNG) -> Callable[[], bytes]:
    return lambda: zipped([(name, data)])


def cut(name: str, form: str, share: float = 0.6) -> Callable[[], bytes]:
    whole = picture(form, (200, 200))
    return one(name, whole[: int(len(whole) * share)])


def broken_crc() -> bytes:
    data = bytearray(zipped([("a.png", PNG)], zipfile.ZIP_STORED))
    data[data.index(PNG) + 20] ^= 0xFF
    return bytes(data)


def lying_size() -> bytes:
    """More content than the directory says."""
    data = zipped([("a.png", PNG + b"\0" * 100_000)])
    size = (len(PNG) + 100_000).to_bytes(4, "little")
    return data.replace(size, len(PNG).to_bytes(4, "little"))


def other_local_name() -> bytes:
    return zipped([("a.png", PNG)]).replace(b"a.png", b"b.png", 1)


def directory_cut() -> bytes:
    data = zipped([("a.png", PNG), ("b.png", PNG)])
    return data.replace(b"PK\1\2", b"PK\1\3")


def pax(**headers: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a.png")
        info.size, info.pax_headers = len(PNG), headers
        archive.addfile(info, io.BytesIO(PNG))
    return target.getvalue()


def raw_name(name: bytes) -> bytes:
    info = tarfile.TarInfo("x")
    info.size = len(PNG)
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[: len(name) + 1] = name + b"\0"
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 256 + sum(header[156:512]))
    return bytes(header[:512]) + PNG + b"\0" * (-len(PNG) % 512 + 1024)


SMALL = {"limits": {"fileSize": "1Ki", "totalSize": "4Ki", "files": 3, "pixels": 10_000, "frames": 3}}
SCRIPT = "<script>alert(1)</script>"

BAD = [
    # The archive
    Bad("empty", lambda: b"", "EmptyInput", ("archive is empty",)),
    Bad("no archive", lambda: b"name,image\n", "UnknownArchive", ("zip, tar or tar.gz",)),
    Bad("long text", lambda: b"name,image\n" * 100, "BrokenArchive", ("no tar",)),
    Bad("7-Zip", lambda: b"7z\xbc\xaf\x27\x1c" + b"\0" * 900, "UnknownArchive", ("7-Zip",)),
    Bad("xz", lambda: tarred(("a.png", PNG), mode="w:xz"), "UnknownArchive", ("xz",)),
    Bad("gzip of no tar", lambda: gzip.compress(b"hello" * 1000), "BrokenArchive", ("no tar",)),
    Bad("gzip cut", lambda: tarred(("a.png", os.urandom(9000)), mode="w:gz")[:4000], "BrokenArchive", ("cut off",)),
    Bad("gzip damaged", lambda: gzip.compress(b"x" * 5000)[:20] + b"\xff" * 90, "BrokenArchive", ("unpacked",)),
    Bad("zip cut", lambda: zipped([("a.png", PNG)])[:-9], "BrokenArchive", ("cut off",)),
    Bad("corrupt directory", directory_cut, "BrokenArchive", ("directory is damaged",)),
    Bad("something before the zip", lambda: b"PK\3\4" + zipped([("a.png", PNG)]), "BrokenArchive", ("not where",)),
    Bad("only folders", lambda: zipped([("a/", b"")]), "EmptyInput", ("no files",)),
    Bad("empty tar", tarred, "EmptyInput", ("no files",)),
    Bad("tar cut", lambda: tarred(("a.png", PNG * 50))[:1024], "BrokenArchive", ("cut off",)),
    Bad("tar damaged", lambda: tarred(("a.png", PNG)).replace(b"ustar", b"ustas"), "BrokenArchive", ("tar",)),
    Bad("pax header of garbage", lambda: pax(path="x").replace(b" path=", b"9path="), "BrokenArchive", ("pax header",)),
    Bad("pax header of 100 KiB", lambda: pax(comment="x" * 100_000), "BrokenArchive", ("header of",)),
    Bad(
        "too many files", lambda: zipped([(f"{n}.png", PNG) for n in range(4)]), "TooManyFiles", ("more than 3",), SMALL
    ),
    # Names
    Bad("zip slip", one("../../etc/a.png"), "UnsafeName", ("../../etc/a.png", "leads out")),
    Bad("slip within", one("images/../../a.png"), "UnsafeName", ("leads out",)),
    Bad("tar slip", lambda: tarred(("../a.png", PNG)), "UnsafeName", ("../a.png", "leads out")),
    Bad("absolute path", lambda: tarred(("/etc/a.png", PNG)), "UnsafeName", ("/etc/a.png", "absolute")),
    Bad("absolute path of Windows", one("C:/a.png"), "UnsafeName", ("C:/a.png", "absolute")),
    Bad("absolute path by pax", lambda: pax(path="/root/a.png"), "UnsafeName", ("/root/a.png",)),
    Bad("backslashes", lambda: tarred(("images\\a.png", PNG)), "UnsafeName", ("backslash",)),
    Bad("NUL in the name", lambda: pax(path="a\0b.png"), "UnsafeName", ("a\\x00b.png", "cannot be seen")),
    Bad("line break in the name", lambda: tarred(("a\nb.png", PNG)), "UnsafeName", ("a\\nb.png",)),
    Bad("right to left", one("a\u202egnp.png"), "UnsafeName", ("\\u202e", "cannot be seen")),
    Bad("zero width", one("a\u200b.png"), "UnsafeName", ("\\u200b",)),
    Bad("space at the end", one("a.png "), "UnsafeName", ("space",)),
    Bad("long name", one("é" * 130 + ".png"), "UnsafeName", ("255 bytes",)),
    Bad("not UTF-8", lambda: raw_name(b"caf\xe9.png"), "NameNotUtf8", ("caf\\xe9.png",)),
    Bad("twice", lambda: zipped([("a.png", PNG), ("a.png", PNG)]), "DuplicateFile", ("a.png", "twice")),
    Bad("case", lambda: zipped([("a.png", PNG), ("A.PNG", PNG)]), "CaseCollision", ("A.PNG", "case")),
    Bad("two forms", lambda: zipped([("é.png", PNG), ("e\u0301.png", PNG)]), "DuplicateFile", ("twice",)),
    Bad("wide letters", lambda: zipped([("a.png", PNG), ("ａ.png", PNG)]), "CaseCollision", ("form",)),
    Bad("nested", lambda: zipped([("a.png", PNG), ("sub/b.png", PNG)]), "NestedFolder", ("sub/b.png", "one folder")),
    # What is no file, or cannot be read
    Bad("symbolic link in a zip", lambda: zip_entry("a.png", b"/etc/passwd", 0o120777), "NotAFile", ("a.png", "link")),
    Bad("symbolic link", lambda: tarred(special("a.png", tarfile.SYMTYPE, "/etc/passwd")), "NotAFile", ("symbolic",)),
    Bad("hard link", lambda: tarred(special("a.png", tarfile.LNKTYPE, "b.png")), "NotAFile", ("hard link",)),
    Bad("device", lambda: tarred(special("a.png", tarfile.CHRTYPE)), "NotAFile", ("a.png", "device")),
    Bad("pipe", lambda: tarred(special("a.png", tarfile.FIFOTYPE)), "NotAFile", ("pipe",)),
    Bad("sparse", lambda: tarred(special("a.png", tarfile.GNUTYPE_SPARSE)), "NotAFile", ("sparse",)),
    Bad("sparse by pax", lambda: pax(**{"GNU.sparse.major": "1"}), "NotAFile", ("sparse",)),
    Bad("encrypted", lambda: flagged(zipped([("a.png", PNG)]), 1), "EncryptedFile", ("a.png", "password")),
    Bad("bzip2 within", lambda: zipped([("a.png", PNG)], zipfile.ZIP_BZIP2), "UnknownCompression", ("method 12",)),
    Bad("wrong checksum", broken_crc, "BrokenFile", ("a.png", "checksum")),
    Bad("wrong size", lying_size, "BrokenFile", ("a.png", "larger or smaller")),
    Bad("another name inside", other_local_name, "BrokenArchive", ("a.png", "do not agree")),
    # Sizes
    Bad("large file", one("a.png", PNG + b"\0" * 2000), "FileTooLarge", ("a.png", "fileSize"), SMALL),
    Bad(
        "large in all",
        lambda: zipped([(f"{n}.png", PNG + b"\0" * 900) for n in range(3)]),
        "TotalTooLarge",
        ("totalSize",),
        {"limits": {**SMALL["limits"], "totalSize": "2Ki"}},
    ),
    # Types
    Bad("no image", one("readme.txt", b"hello"), "TypeNotTaken", ("readme.txt", "types")),
    Bad("no ending", one("LICENSE", b"hello"), "TypeNotTaken", ("LICENSE",)),
    Bad("type not asked for", one("a.mp4", b"\0\0\0\x18ftypisom" * 9), "TypeNotTaken", ("a.mp4",)),
    Bad("zip in a zip", one("a.zip", zipped([("a.png", PNG)])), "TypeNotTaken", ("a.zip",)),
    Bad("zip called PNG", one("a.png", zipped([("a.png", PNG)])), "WrongType", ("a.png", "something else")),
    Bad("empty image", one("a.png", b""), "EmptyFile", ("a.png", "0 bytes")),
    Bad("wrong ending", one("a.png", picture("JPEG")), "WrongType", ("name says png", "content jpeg")),
    Bad("HTML called SVG", one("a.svg", b"<html><body></body></html>"), "WrongType", ("a.svg",)),
    # Pictures
    Bad("PNG cut", cut("a.png", "PNG"), "BrokenImage", ("a.png",)),
    Bad("JPEG cut", cut("a.jpg", "JPEG"), "BrokenImage", ("a.jpg", "truncated")),
    Bad("GIF cut", cut("a.gif", "GIF"), "BrokenImage", ("a.gif",)),
    Bad("WebP cut", cut("a.webp", "WEBP"), "BrokenImage", ("a.webp",)),
    Bad("PNG of nothing but a head", one("a.png", PNG[:16]), "BrokenImage", ("a.png",)),
    Bad("PNG with a wrong sum", one("a.png", PNG[:20] + b"\1" + PNG[21:]), "BrokenImage", ("a.png",)),
    Bad("pixels", one("a.png", picture(size=(101, 100))), "ImageTooLarge", ("101 by 100", "pixels"), SMALL),
    Bad("frames", one("a.gif", picture("GIF", frames=4)), "ImageTooLarge", ("3 frames",), SMALL),
    # SVG
    Bad("script", one("a.svg", svg(SCRIPT)), "UnsafeSvg", ("a.svg", "<script>")),
    Bad("event", one("a.svg", svg("", 'onload="alert(1)"')), "UnsafeSvg", ("onload",)),
    Bad("link to a script", one("a.svg", svg('<a xlink:href="javascript:x()"/>')), "UnsafeSvg", ("javascript",)),
    Bad("picture from outside", one("a.svg", svg('<image href="https://e.example/x"/>')), "UnsafeSvg", ("refers to",)),
    Bad("style from outside", one("a.svg", svg("<style>@import 'x.css';</style>")), "UnsafeSvg", ("style",)),
    Bad("fill from outside", one("a.svg", svg('<g fill="url(http://e.example/x)"/>')), "UnsafeSvg", ("outside",)),
    Bad("style in escapes", one("a.svg", svg("<style>a{b:u\\72l(x)}</style>")), "UnsafeSvg", ("escapes",)),
    Bad("HTML within", one("a.svg", svg("<foreignObject/>")), "UnsafeSvg", ("foreignObject",)),
    Bad(
        "animated link",
        one("a.svg", svg('<a><set attributeName="xlink:href" to="javascript:x()"/></a>')),
        "UnsafeSvg",
        ("a.svg",),
    ),
    Bad("entities", one("a.svg", svg("&a;", head='<!DOCTYPE svg [<!ENTITY a "b">]>')), "UnsafeSvg", ("entities",)),
    Bad(
        "stylesheet",
        one("a.svg", svg("", head='<?xml-stylesheet href="x"?>')),
        "UnsafeSvg",
        ("processing instruction",),
    ),
    Bad("deep", one("a.svg", svg("<g>" * 300 + "</g>" * 300)), "UnsafeSvg", ("deep",)),
    Bad("no XML", one("a.svg", b"<svg><g></svg>"), "UnsafeSvg", ("a.svg",)),
    Bad("encoding", one("a.svg", svg("", head='<?xml version="1.0" encoding="x-none"?>')), "UnsafeSvg", ("a.svg",)),
]


def cars(root: Path) -> list[Path]:
    return list(root.glob("state/**/*.car"))


@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_bad_files_end_in_one_clear_message(bad: Bad, tmp_path: Path) -> None:
    run = Run(tmp_path, "UploadJob", {**SPEC, **bad.spec})
    run.mount("files.archive/archive", bad.archive())
    assert await run.here() == 64, run.termination
    (error,) = run.termination["errors"]
    assert error["reason"] == run.termination["reason"] == bad.reason, error
    assert error["field"] == "files.archive"
    assert all(words in error["message"] for words in bad.words), error["message"]
    assert error["message"].isprintable()
    assert not cars(tmp_path)


def gzip_bomb() -> bytes:
    """A tar of a file that says 3 GiB, and is some of it."""
    info = tarfile.TarInfo("a.png")
    info.size = 3 << 30
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=1) as file:
        file.write(info.tobuf())
        for _ in range(128):
            file.write(bytes(1 << 20))
    return target.getvalue()


BOMBS = [
    Bad("unpacked", lambda: zipped([("a.png", bytes(120 << 20))]), "FileTooLarge", ("a.png",)),
    Bad(
        "many large files",
        gzip_bomb,
        "TotalTooLarge",
        ("totalSize",),
        {"limits": {"totalSize": "64Mi", "fileSize": "9Gi"}},
    ),
    Bad("a million entries", lambda: many_entries(1_000_000), "TooManyFiles", ("100000",)),
    Bad("pixels", one("a.png", png_bomb()), "ImageTooLarge", ("30000 by 30000", "limits.pixels")),
    Bad(
        "entities",
        one("a.svg", svg("&a;", head="<!DOCTYPE svg [" + '<!ENTITY a "&b;&b;">' * 9 + "]>")),
        "UnsafeSvg",
        (),
    ),
]


def used(process: int) -> int:
    """Most bytes that a process and its children had in memory so far."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    found = (re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{p}/status").read_text()) for p in (process, *children))
    return sum(int(match[1]) << 10 for match in found if match is not None)


@pytest.mark.parametrize("bad", BOMBS, ids=str)
def test_bombs_take_neither_memory_nor_time(bad: Bad, tmp_path: Path) -> None:
    run = Run(tmp_path, "UploadJob", {**SPEC, **bad.spec})
    run.mount("files.archive/archive", bad.archive())
    began, most = time.monotonic(), 0
    with run.start() as process:
        while process.poll() is None:
            assert time.monotonic() - began < SECONDS
            with contextlib.suppress(OSError):
                most = max(most, used(process.pid))
            time.sleep(0.02)
        output, _ = process.communicate()
    assert "Traceback" not in output
    assert process.returncode == 64, run.termination
    (error,) = run.termination["errors"]
    assert error["reason"] == bad.reason
    assert all(words in error["message"] for words in bad.words)
    assert 0 < most < MEMORY
