"""UploadJobs of a folder in a real object store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.s3 import Versity
from mintworks_runners.core.protocol import Dependency
from mintworks_runners.metadata.uploaded import from_upload
from support.archives import PNG, picture
from support.faulty import Fault, Faulty, Rule
from support.runs import Run

from .conftest import REGION

ENTRY = {"name": "s3", "key": "credentials"}


def files(run: Run, store: Versity, endpoint: str, folder: str) -> Run:
    place = {"url": f"s3://{store.bucket}/{folder}", "endpoint": endpoint, "region": REGION, "secret": ENTRY}
    run.spec["files"] = {"objectStore": place}
    run.mount("files.objectStore.secret/credentials", store.credentials)
    return run


@pytest.fixture
def folder(store: Versity, tmp_path: Path) -> Path:
    """A folder of 30 pictures in the store, with the mark of a folder that some programs make."""
    made = store.folder / tmp_path.name / "art ü"
    made.mkdir(parents=True)
    for number in range(30):
        (made / f"{number}.png").write_bytes(picture(size=(8, 8 + number)))
    return made


def named(folder: Path, store: Versity) -> str:
    return str(folder.relative_to(store.folder))


def left(run: Run) -> list[Path]:
    return list((run.root / "work" / "objects").iterdir())


def copied(folder: Path, volume: Run) -> None:
    for path in folder.iterdir():
        volume.mount(f"files.volume/art/{path.name}", path.read_bytes())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run", "UploadJob", {})


async def test_it_is_the_same_folder_as_on_a_volume(run: Run, store: Versity, folder: Path, tmp_path: Path) -> None:
    volume = Run(tmp_path / "volume", "UploadJob", {"files": {"volume": {"claim": "c", "path": "art"}}})
    copied(folder, volume)
    assert await volume.here() == 0
    assert await files(run, store, store.url, named(folder, store)).here() == 0
    assert run.termination["result"] == volume.termination["result"]
    assert run.termination["result"]["items"] == 30
    assert store.secret_key not in "".join(str(message) for message in run.messages)
    assert not left(run), "no file stays"


async def test_over_a_bad_line(run: Run, store: Versity, folder: Path) -> None:
    async with Faulty(store.url) as proxy:
        rules = (Fault.BUSY, Fault.TRUNCATED, Fault.CUT)
        proxy.rules = [Rule(fault, "GET", part) for fault in rules for part in ("list-type", "/7.png", "/19.png")]
        assert await files(run, store, proxy.url, named(folder, store)).here() == 0
        assert run.termination["result"]["items"] == 30


def nested(folder: Path) -> None:
    for number in range(3):
        (folder / "more").mkdir(exist_ok=True)
        (folder / "more" / f"{number}.png").write_bytes(PNG)


def large(folder: Path) -> None:
    with (folder / "9.png").open("ab") as file:
        file.truncate(200 << 20)


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (nested, ("NestedFolder", "more: a folder: all files must be in one")),
        (large, ("FileTooLarge", "9.png: 209715200 bytes")),
        (lambda folder: (folder / "a.txt").write_text("x"), ("TypeNotTaken", "a.txt")),
        (lambda folder: (folder / "b.png").write_text("x"), ("WrongType", "b.png")),
        (emptied, ("SourceMissing", "the bucket has no folder")),
    ],
    ids=["nested", "large", "type", "content", "empty"],
)
async def test_what_is_wrong_is_told_with_its_name(
    run: Run, store: Versity, folder: Path, spoil: Callable[[Path], Any], told: tuple[str, str]
) -> None:
    spoil(folder)
    assert await files(run, store, store.url, named(folder, store)).here() == 64
    assert run.termination["reason"] == told[0]
    assert told[1] in str(run.termination)


async def test_an_object_that_changes_meanwhile_is_told(run: Run, store: Versity, folder: Path) -> None:
    async with Faulty(store.url) as proxy:

        def change(number: int) -> bool:
            if "/20.png" in proxy.asked[number].target:
                (folder / "20.png").write_bytes(picture(size=(9, 99)))
            return True

        proxy.before = change
        assert await files(run, store, proxy.url, named(folder, store)).here() == 64
    assert run.termination["reason"] == "BrokenFile"
    assert "20.png: it changed while the folder was read" in str(run.termination)


@pytest.mark.parametrize(
    ("secret", "reason"), [("wrong", "SourceRefused"), ("", "InvalidSecret")], ids=["wrong", "empty"]
)
async def test_credentials_that_do_not_fit(run: Run, store: Versity, folder: Path, secret: str, reason: str) -> None:
    files(run, store, store.url, named(folder, store))
    text = store.credentials.replace(store.secret_key, secret) if secret else ""
    run.mount("files.objectStore.secret/credentials", text)
    assert await run.here() in {1, 64}
    assert run.termination["reason"] == reason


async def test_who_builds_on_it_reads_the_folder_again(run: Run, store: Versity, folder: Path, tmp_path: Path) -> None:
    assert await files(run, store, store.url, named(folder, store)).here() == 0
    result = run.termination["result"]
    follower = Run(tmp_path / "follower", "MetadataJob", {})
    follower.mount("dependencies/art/files.objectStore.secret/credentials", store.credentials)
    upload = Dependency("art", "UploadJob", "uid", run.spec, {}, result)
    assert (await from_upload(follower.context(), upload)).cid == result["cid"]
