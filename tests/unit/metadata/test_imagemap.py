"""The map from image names to CIDs: its forms, what is wrong with others, and that a large one takes little memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from mintworks_runners.core.errors import InvalidInput
from mintworks_runners.metadata.imagemap import JSON_LIMIT, read_map
from support.specs import CID


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"a, b.png": CID, "c.png": CID}),
        f'\ufefffile,cid\n"a, b.png",{CID}\nc.png,{CID}\n',
        f"cid;file;size\r\n{CID};a, b.png;3\r\n{CID};c.png;4\r\n",
    ],
)
def test_a_map_in_each_form(tmp_path: Path, content: str) -> None:
    path = tmp_path / "map"
    path.write_bytes(content.encode())
    found = read_map(path, "images.map")
    uri = f"ipfs://{CID}"
    assert [found.uri(name) for name in ("a, b.png", "c.png", "d.png", "A, b.png")] == [uri, uri, None, None]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "MalformedMap"),
        (b"name,image\nx,y\n", "MalformedMap"),
        (b"[1]", "MalformedMap"),
        (b'{"a": ', "MalformedMap"),
        (b"file,cid\n\xff", "NotUtf8"),
        (b"file,cid\na\0b", "MalformedText"),
        (b'{"\\ud800": "x"}', "MalformedText"),
        pytest.param(b"[" * 100_000, "MalformedMap", id="brackets"),
        pytest.param(b'{"a": ' + b"[" * 100_000, "MalformedMap", id="deep nesting"),
        pytest.param(b"file,cid\n" + b"x" * 200_000 + b",y", "MalformedMap", id="a huge cell"),
        pytest.param(b"{" + b" " * JSON_LIMIT + b"}", "SourceTooLarge", id="too much JSON"),
        (b'file,cid\n"a', "MalformedMap"),
        (b'{"a.png": 3}', "InvalidCid"),
        (b"file,cid\na.png,bafy\n", "InvalidCid"),
        (b"file,cid\na.png\n", "InvalidCid"),
        (f'{{"a": "{CID}", "a": "{CID}"}}'.encode(), "DuplicateImage"),
    ],
)
def test_bad_maps(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "map"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_map(path, "images.map")
    assert (caught.value.reason, caught.value.findings[0].field) == (reason, "images.map")


def test_a_map_in_one_long_line(tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_text(json.dumps({f"{number}.png": CID for number in range(20_000)}))
    assert path.stat().st_size > 1 << 20
    assert read_map(path, "images.map").uri("19999.png") == f"ipfs://{CID}"


def test_a_large_map_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_text("file,cid\n" + "".join(f"{number}.png,{CID}\n" for number in range(50_000)))
    tracemalloc.start()
    try:
        found = read_map(path, "images.map")
        assert found.uri("49999.png") == f"ipfs://{CID}"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
