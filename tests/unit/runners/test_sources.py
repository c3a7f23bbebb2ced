"""Sources are spooled once and hashed; what is missing, too large, outside or changed is said, each in its own way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aleph_cid
import pytest
from mintworks_api import Source
from mintworks_runners.core.errors import AttemptFailed, InvalidInput, RunEnded
from mintworks_runners.core.protocol import Environment
from mintworks_runners.core.retry import Backoff
from mintworks_runners.core.sources import SourceReader
from mintworks_runners.core.stop import StopSignal
from support.web import Answer, Web, serve

BODY = b"name\nGenesis #1\n" * 100_000
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as made:
        yield made


@pytest.fixture
def reader(tmp_path: Path) -> SourceReader:
    environment = Environment(mounts=tmp_path / "mounts", work=tmp_path / "work")
    environment.mounts.mkdir()
    return SourceReader(environment, StopSignal(), backoff=Backoff(tries=3, delay=0.001))


def source(**form: Any) -> Source:
    return Source.model_validate(form)


def http(url: str, sha256: str = SHA) -> Source:
    return source(http={"url": url, "sha256": sha256})


async def failure(reader: SourceReader, made: Source, **options: Any) -> RunEnded:
    with pytest.raises(RunEnded) as caught:
        await reader.spool(made, "rows", **options)
    return caught.value


async def test_a_config_map_entry_through_the_kubelets_links(reader: SourceReader, tmp_path: Path) -> None:
    mount = tmp_path / "mounts" / "rows"
    (mount / "..data").mkdir(parents=True)
    (mount / "..data" / "rows.csv").write_bytes(BODY)
    (mount / "rows.csv").symlink_to("..data/rows.csv")
    spooled = await reader.spool(source(configMap={"name": "r", "key": "rows.csv"}), "rows")
    assert (spooled.sha256, spooled.size) == (SHA, len(BODY))
    (mount / "..data" / "rows.csv").write_bytes(b"changed")
    assert spooled.path.read_bytes() == BODY
    assert spooled.path.is_relative_to(tmp_path / "work")


async def test_a_file_on_a_volume_for_a_dependency(reader: SourceReader, tmp_path: Path) -> None:
    mount = tmp_path / "mounts" / "dependencies" / "meta" / "rows" / "in"
    mount.mkdir(parents=True)
    (mount / "rows.csv").write_bytes(BODY)
    spooled = await reader.spool(source(volume={"claim": "c", "path": "in/rows.csv"}), "dependencies/meta/rows")
    assert spooled.sha256 == SHA


async def test_what_a_volume_lacks_is_bad_input(reader: SourceReader, tmp_path: Path) -> None:
    (tmp_path / "mounts" / "rows" / "folder").mkdir(parents=True)
    for path in ("rows.csv", "folder"):
        error = await failure(reader, source(volume={"claim": "c", "path": path}))
        assert (error.reason, error.exit_code) == ("SourceMissing", 64)


async def test_a_link_out_of_the_volume_is_refused(reader: SourceReader, tmp_path: Path) -> None:
    secret = tmp_path / "mounts" / "wallet.secret" / "id.json"
    secret.parent.mkdir(parents=True)
    secret.write_text("[1,2,3]")
    (tmp_path / "mounts" / "rows").mkdir()
    (tmp_path / "mounts" / "rows" / "rows.csv").symlink_to(secret)
    error = await failure(reader, source(volume={"claim": "c", "path": "rows.csv"}))
    assert error.reason == "SourceOutside"


async def test_the_limit_holds_for_every_form(reader: SourceReader, tmp_path: Path, web: Web) -> None:
    (tmp_path / "mounts" / "rows").mkdir()
    (tmp_path / "mounts" / "rows" / "r").write_bytes(BODY)
    web.answers["/r"] = [Answer(body=BODY)]
    for made in (source(configMap={"name": "r", "key": "r"}), http(f"{web.url}/r")):
        error = await failure(reader, made, limit=len(BODY) - 1)
        assert (error.reason, error.exit_code) == ("SourceTooLarge", 64)
        assert (await reader.spool(made, "rows", limit=len(BODY))).size == len(BODY)


async def test_http_after_two_busy_answers(reader: SourceReader, web: Web) -> None:
    web.answers["/r"] = [Answer(503), Answer(body=BODY[:50], cut=True), Answer(body=BODY)]
    assert (await reader.spool(http(f"{web.url}/r"), "rows")).sha256 == SHA
    assert web.asked == ["/r"] * 3


@pytest.mark.parametrize("status", [500, 429])
async def test_http_that_stays_busy(reader: SourceReader, web: Web, status: int) -> None:
    web.answers["/r"] = [Answer(status)]
    error = await failure(reader, http(f"{web.url}/r"))
    assert (error.reason, error.exit_code, len(web.asked)) == ("SourceUnavailable", 1, 3)


async def test_redirects_and_refusals_end_at_once(reader: SourceReader, web: Web) -> None:
    web.answers["/r"] = [Answer(302, headers={"Location": f"{web.url}/other"})]
    web.answers["/other"] = [Answer(body=BODY)]
    assert isinstance(await failure(reader, http(f"{web.url}/r")), AttemptFailed)
    assert isinstance(await failure(reader, http(f"{web.url}/absent")), AttemptFailed)
    assert web.asked == ["/r", "/absent"]


async def test_another_checksum_is_bad_input(reader: SourceReader, web: Web) -> None:
    web.answers["/r"] = [Answer(body=b"other")]
    error = await failure(reader, http(f"{web.url}/r"))
    assert (error.reason, error.exit_code) == ("ChecksumMismatch", 64)
    assert isinstance(error, InvalidInput)
    assert SHA in error.message


async def test_http_goes_on_where_it_was_cut(reader: SourceReader, web: Web) -> None:
    """More cuts than tries: what brings new bytes does not count."""
    cuts = [Answer(body=BODY, ranges=True, cut_at=300_000) for _ in range(5)]
    web.answers["/r"] = [*cuts, Answer(body=BODY, ranges=True)]
    assert (await reader.spool(http(f"{web.url}/r"), "rows")).sha256 == SHA
    assert web.ranges == [300_000 * n for n in range(6)]


async def test_http_begins_anew_where_the_content_has_changed(reader: SourceReader, web: Web) -> None:
    old = Answer(body=b"x" * len(BODY), ranges=True, cut_at=500_000)
    web.answers["/r"] = [old, Answer(body=BODY, ranges=True)]
    assert (await reader.spool(http(f"{web.url}/r"), "rows")).sha256 == SHA
    assert web.ranges == [0, 0]


async def test_http_that_is_always_cut_at_the_same_byte_ends(reader: SourceReader, web: Web) -> None:
    web.answers["/r"] = [Answer(body=BODY, cut=True)]
    error = await failure(reader, http(f"{web.url}/r"))
    assert (error.reason, len(web.asked)) == ("SourceUnavailable", 3)


async def test_http_that_goes_on_with_another_part(reader: SourceReader, web: Web) -> None:
    etag = {"ETag": '"1"'}
    wrong = Answer(206, BODY[7:], {**etag, "Content-Range": f"bytes 7-{len(BODY) - 1}/{len(BODY)}"})
    web.answers["/r"] = [Answer(body=BODY[:50], cut=True, headers=etag), wrong, Answer(body=BODY)]
    assert (await reader.spool(http(f"{web.url}/r"), "rows")).sha256 == SHA


async def test_http_in_pieces_that_do_not_fit_is_fetched_once_more(reader: SourceReader, web: Web) -> None:
    """A server whose ETag says that nothing changed, though it did."""
    etag = {"ETag": '"1"'}
    rest = Answer(206, BODY[50:], {**etag, "Content-Range": f"bytes 50-{len(BODY) - 1}/{len(BODY)}"})
    web.answers["/r"] = [Answer(body=b"?" * 50, cut=True, headers=etag), rest, Answer(body=BODY)]
    assert (await reader.spool(http(f"{web.url}/r"), "rows")).sha256 == SHA
    assert len(web.asked) == 3


async def test_what_is_announced_as_too_large_is_not_fetched(reader: SourceReader, web: Web) -> None:
    web.answers["/r"] = [Answer(body=BODY, ranges=True, cut_at=0)]
    error = await failure(reader, http(f"{web.url}/r"), limit=len(BODY) - 1)
    assert (error.reason, error.exit_code, len(web.asked)) == ("SourceTooLarge", 64, 1)


async def test_a_disk_without_room_is_told(reader: SourceReader, tmp_path: Path) -> None:
    (tmp_path / "mounts" / "rows").mkdir()
    (tmp_path / "mounts" / "rows" / "r").write_bytes(BODY)
    spool = tmp_path / "work" / "sources" / "rows"
    spool.parent.mkdir(parents=True)
    spool.symlink_to("/dev/full")
    error = await failure(reader, source(volume={"claim": "c", "path": "r"}))
    assert (error.reason, error.exit_code) == ("SpoolFull", 1)


def block(data: bytes) -> str:
    hasher = aleph_cid.CidHasher.for_ipfs_v1_raw_leaves()
    hasher.update(data)
    cid: str = hasher.finalize()
    return cid


async def test_ipfs_content_is_held_to_its_cid(reader: SourceReader, web: Web) -> None:
    cid = block(b"small")
    made = source(ipfs={"cid": cid, "gateway": f"{web.url}/"})
    web.answers[f"/ipfs/{cid}?format=raw"] = [Answer(503), Answer(body=b"small", cut=True), Answer(body=b"small")]
    spooled = await reader.spool(made, "rows")
    assert spooled.path.read_bytes() == b"small"
    web.answers[f"/ipfs/{cid}?format=raw"] = [Answer(body=b"forged")]
    error = await failure(reader, made)
    assert (error.reason, error.exit_code) == ("GatewayMismatch", 1)


async def test_ipfs_with_a_path_into_something_that_is_no_folder(reader: SourceReader, web: Web) -> None:
    cid = block(b"small")
    web.answers[f"/ipfs/{cid}?format=raw"] = [Answer(body=b"small")]
    error = await failure(reader, source(ipfs={"cid": cid, "path": "rows.csv", "gateway": web.url}))
    assert (error.reason, error.exit_code) == ("SourceMissing", 64)


async def test_a_gateway_without_the_block(reader: SourceReader, web: Web) -> None:
    error = await failure(reader, source(ipfs={"cid": block(b"x"), "gateway": web.url}))
    assert (error.reason, len(web.asked)) == ("SourceUnavailable", 1)


async def test_a_cid_that_cannot_be_verified(reader: SourceReader, web: Web) -> None:
    cid = "b" + "a" * 60
    error = await failure(reader, source(ipfs={"cid": cid, "gateway": web.url}))
    assert (error.reason, error.exit_code, web.asked) == ("UnknownCid", 64, [])
