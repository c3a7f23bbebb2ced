"""The UploadJob runner without a cluster: what it takes from archives and volumes, and what it freezes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.paths import repository
from mintworks_runners.core.stop import StopSignal
from support.archives import PNG, SVG, picture, svg, tarred, zipped
from support.runs import Run

ARCHIVE: dict[str, Any] = {"files": {"archive": {"configMap": {"name": "images", "key": "archive"}}}}
VOLUME: dict[str, Any] = {"files": {"volume": {"claim": "art", "path": "drop/images"}}}
PICTURES = repository() / "examples" / "genesis" / "images"
FOLDER = "bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq"
FILES = [(path.name, path.read_bytes()) for path in sorted(PICTURES.iterdir())]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, "UploadJob", ARCHIVE)


def archived(run: Run, archive: bytes) -> Run:
    run.mount("files.archive/archive", archive)
    return run


def holds(run: Run, *names: str) -> bool:
    """Whether the folder in the CAR has these names and no others."""
    (car,) = (run.root / "state" / "cars").iterdir()
    data = car.read_bytes()
    return run.termination["result"]["items"] == len(names) and all(name.encode() in data for name in names)


def inside(folder: str) -> list[tuple[str, bytes]]:
    return [(f"{folder}{name}", data) for name, data in FILES]


FORMS: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zipped(FILES),
    "zip with a folder": lambda: zipped([("images/", b""), *inside("images/")]),
    "zip, stored": lambda: zipped(FILES, zipfile.ZIP_STORED),
    "tar": lambda: tarred(*FILES),
    "tar of a folder": lambda: tarred(*inside("./")),
    "old tar": lambda: tarred(*inside("a/"), form=tarfile.USTAR_FORMAT),
    "tar.gz": lambda: tarred(*FILES, mode="w:gz"),
    "tar without its end": lambda: tarred(*FILES).rstrip(b"\0").ljust(1, b"\0"),
    "long folder, GNU": lambda: tarred(*inside("a" * 200 + "/"), form=tarfile.GNU_FORMAT),
    "long folder, pax": lambda: tarred(*inside("é" * 200 + "/")),
    "as macOS does it": lambda: zipped(
        [*inside("images/"), ("images/.DS_Store", b"x"), ("__MACOSX/images/._a.png", b"x"), ("images/._b.png", b"x")]
    ),
}


@pytest.mark.parametrize("form", FORMS)
async def test_an_archive_of_any_form_is_the_same_folder(run: Run, form: str) -> None:
    data = FORMS[form]()
    if form == "tar without its end":
        data += b"\0" * (-len(data) % 512)
    assert await archived(run, data).here() == 0, run.termination
    size = sum(len(content) for _, content in FILES)
    assert run.termination["result"] == {"cid": FOLDER, "items": 30, "bytes": size}
    assert [path.name for path in (run.root / "state" / "cars").iterdir()] == [f"{FOLDER}.car"]


async def test_gzip_files_in_a_row_are_one(run: Run) -> None:
    whole = tarred(*FILES)
    import gzip  # noqa: PLC0415

    assert await archived(run, gzip.compress(whole[:5000]) + gzip.compress(whole[5000:])).here() == 0
    assert run.termination["result"]["cid"] == FOLDER


async def test_a_zip64_that_was_streamed(run: Run, tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        """A target that cannot be gone back in: sizes follow the content."""

        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:
                file.write(data)
    assert await archived(run, bytes(pipe.data)).here() == 0, run.termination
    assert run.termination["result"]["items"] == 30


async def test_every_kind_of_picture(run: Run) -> None:
    files = [(f"a.{form.lower()}", picture(form)) for form in ("PNG", "JPEG", "GIF", "WEBP", "AVIF")]
    files += [("moving.gif", picture("GIF", frames=5)), ("plain.svg", SVG), ("two.webp", picture("WEBP", frames=2))]
    embedded = '<image href="data:image/png;base64,iVBORw0KGgo="/><use xlink:href="#a"/><style>a{fill:url(#b)}</style>'
    files += [("full.svg", svg(embedded, head='<?xml version="1.0"?><!-- by hand --><!DOCTYPE svg>'))]
    run.spec = {**ARCHIVE, "types": ["png", "jpeg", "gif", "webp", "avif", "svg", "mp4"]}
    files += [("film.mp4", b"\0\0\0\x18ftypisom" + bytes(900))]
    assert await archived(run, zipped(files)).here() == 0, run.termination
    assert holds(run, *(name for name, _ in files))


async def test_names_are_composed(run: Run) -> None:
    apart = unicodedata.normalize("NFD", "Café №1 (100%).png")
    assert await archived(run, zipped([(apart, PNG)])).here() == 0
    assert holds(run, "Café №1 (100%).png")


async def test_all_problems_are_told_together(run: Run) -> None:
    files = [("../a.png", PNG), ("b.png", b""), ("c.png", PNG[:40]), ("d.txt", b"x"), ("good.png", PNG)]
    assert await archived(run, zipped(files)).here() == 64
    reasons = [error["reason"] for error in run.termination["errors"]]
    assert reasons == ["UnsafeName", "EmptyFile", "BrokenImage", "TypeNotTaken"]
    assert run.termination["reason"] == "InvalidInput"


async def test_inputs_say_what_was_seen(run: Run) -> None:
    await archived(run, zipped([("b.png", PNG), ("a.svg", SVG)])).here()
    (told,) = [message["inputs"] for message in run.messages if message["type"] == "inputs"]
    lines = [
        f"{hashlib.sha256(data).hexdigest()}  {len(data)}  {name}\n" for name, data in (("a.svg", SVG), ("b.png", PNG))
    ]
    assert told == {
        **run.termination["result"],
        "listSha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
    }
    run.inputs = told
    assert await run.here() == 0


@pytest.mark.parametrize("frozen", [{"items": 31}, {"bytes": 1}, {"listSha256": "0" * 64}, {"cid": "b" + "a" * 58}])
async def test_frozen_inputs_that_differ_stop_before_any_effect(run: Run, frozen: dict[str, Any]) -> None:
    run.inputs = frozen
    assert await archived(run, zipped(FILES)).here() == 75
    assert run.termination["reason"] == "InputChanged"
    assert not list(run.root.glob("state/**/*.car"))
    assert not [message for message in run.messages if message["type"] == "inputs"]


async def test_an_archive_that_was_good_when_frozen(run: Run) -> None:
    run.inputs = {"cid": FOLDER}
    assert await archived(run, zipped(FILES)[:-5]).here() == 75
    assert run.termination["reason"] == "InputChanged"


async def test_a_folder_on_a_volume(run: Run) -> None:
    run.spec = VOLUME
    for name, data in [*FILES, (".DS_Store", b"x")]:
        run.mount(f"files.volume/drop/images/{name}", data)
    assert await run.here() == 0, run.termination
    assert run.termination["result"]["cid"] == FOLDER


async def test_a_volume_holds_more_than_files(run: Run, tmp_path: Path) -> None:
    run.spec = VOLUME
    folder = run.mount("files.volume/drop/images/a.png", PNG).parent
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "sub.png").mkdir()
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(PNG)
    assert await run.here() == 64
    found = {(error["reason"], error["message"].split(":")[0]) for error in run.termination["errors"]}
    assert found == {
        ("NotAFile", "link.png"),
        ("NotAFile", "pipe.png"),
        ("NestedFolder", "sub.png"),
        ("NameNotUtf8", "caf\\xe9.png"),
    }


@pytest.mark.parametrize(("path", "reason"), [("drop/none", "SourceMissing"), ("out", "SourceOutside")])
async def test_a_folder_that_is_not_there(run: Run, tmp_path: Path, path: str, reason: str) -> None:
    run.spec = {"files": {"volume": {"claim": "art", "path": path}}}
    (run.mount("files.volume/drop/a.png", PNG).parents[1] / "out").symlink_to(tmp_path)
    assert await run.here() == 64
    assert run.termination["reason"] == reason


async def test_a_stop_comes_through(run: Run) -> None:
    stop = StopSignal()
    stop.set()
    assert await archived(run, zipped(FILES)).here(stop) == 75
    assert not list(run.root.glob("state/**/*.car"))


def test_decoders_are_not_in_the_runners_process() -> None:
    modules = ["upload.runner", "metadata.runner", "mint.runner", "core.process"]
    program = (
        "".join(f"import mintworks_runners.{name}\n" for name in modules) + "import sys; print('PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_a_decoder_writes_is_no_answer_of_ours() -> None:
    """The decoder's process may write no file at all."""
    asked = json.dumps({"path": "/proc/self/limits", "type": "png"}) + "\n"
    command = [sys.executable, "-m", "mintworks_runners.upload.decoder", "100", "1"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["problem"][0] == "BrokenImage"
