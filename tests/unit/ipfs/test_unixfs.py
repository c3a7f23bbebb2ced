"""Files, folders and CARs against aleph-cid, a Rust implementation of the same, and CARs that are not whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import aleph_cid
import mmh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mintworks_runners.ipfs import blocks, car, unixfs
from mintworks_runners.ipfs.unixfs import CHUNK_BYTES, LINKS, Entry, Folder, put_file


def chunks(size: int) -> Iterator[bytes]:
    for start in range(0, size, CHUNK_BYTES):
        yield bytes([start // CHUNK_BYTES % 251]) * min(CHUNK_BYTES, size - start)


def nowhere(cid: bytes, block: bytes) -> None:
    assert len(block) <= CHUNK_BYTES
    assert cid in (blocks.raw_cid(block), blocks.node_cid(block))


# One node holds 174 links: past 174 chunks there are two levels of nodes.
@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, LINKS * CHUNK_BYTES, LINKS * CHUNK_BYTES + 1]
)
def test_files_of_any_size(size: int) -> None:
    hasher = aleph_cid.CidHasher.for_ipfs_v1_raw_leaves()
    for chunk in chunks(size):
        hasher.update(chunk)
    assert blocks.text(put_file(chunks(size), nowhere).cid) == hasher.finalize()


names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..") and len(name.encode()) <= 250
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(names, st.binary(max_size=50), min_size=1, max_size=30))
def test_any_names(files: dict[str, bytes]) -> None:
    folder = Folder()
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in files.items():
            (Path(scratch) / name).write_bytes(data)
            folder.add(name.encode(), put_file([data] if data else [], nowhere))
        expected = aleph_cid.hash_folder(Path(scratch), cid_version=1, follow_symlinks=False)
    assert blocks.text(folder.close(nowhere).cid) == expected


@pytest.mark.parametrize("sharded", [False, True])
def test_the_order_of_adding_makes_no_difference(*, sharded: bool) -> None:
    entries = [
        (b"%d.json" % number, Entry(blocks.raw_cid(b"%d" % number), 1)) for number in range(8000 if sharded else 50)
    ]
    forward, backward = Folder(), Folder()
    for name, entry in entries:
        forward.add(name, entry)
    for name, entry in reversed(entries):
        backward.add(name, entry)
    assert forward.close(nowhere) == backward.close(nowhere)


def test_long_names_shard_a_small_folder(tmp_path: Path) -> None:
    folder = Folder()
    for number in range(1000):
        name = f"{number:0250}"
        (tmp_path / name).write_bytes(b"x")
        folder.add(name.encode(), put_file([b"x"], nowhere))
    expected = aleph_cid.hash_folder(tmp_path, cid_version=1, follow_symlinks=False)
    assert blocks.text(folder.close(nowhere).cid) == expected


def test_names_with_one_hash_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mmh3, "hash64", lambda name, **_: (7, 0))
    folder = Folder()
    for number in range(9000):
        folder.add(b"%d.json" % number, Entry(blocks.raw_cid(b""), 0))
    with pytest.raises(unixfs.TooDeep, match="9000 names"):
        folder.close(nowhere)


def written(path: Path) -> bytes:
    """A CAR of three documents; its root."""
    folder = Folder()
    with car.CarWriter(path) as writer:
        for number in range(3):
            folder.add(b"%d" % number, put_file([b"document %d" % number], writer.put))
        root = folder.close(writer.put).cid
        writer.finish(root)
    return root


def test_a_car_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.car"
    root = written(path)
    assert car.verify(path, root) == 4
    assert aleph_cid.read_carv1_root(path) == blocks.text(root)
    assert [block for _, block in car.read_blocks(path)][:3] == [b"document 0", b"document 1", b"document 2"]
    assert [one.name for one in tmp_path.iterdir()] == ["a.car"]


def test_any_cut_and_any_flipped_bit_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.car"
    root = written(path)
    whole = path.read_bytes()
    for position in range(len(whole)):
        for broken in (whole[:position], whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :]):
            path.write_bytes(broken)
            with pytest.raises(car.BrokenCar):
                car.verify(path, root)


def left_unfinished(path: Path) -> None:
    with car.CarWriter(path) as writer:
        writer.put(blocks.raw_cid(b"x"), b"x")
        raise RuntimeError


def test_an_unfinished_car_is_removed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        left_unfinished(tmp_path / "a.car")
    assert list(tmp_path.iterdir()) == []
