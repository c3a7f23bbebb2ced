"""Kubo as a process: it keeps and serves content, and forgets it with its temporary folder."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from mintworks_dev.ipfs import Kubo


def test_what_is_added_can_be_read_at_the_gateway() -> None:
    with Kubo() as kubo:
        answer = httpx.post(f"{kubo.api}/api/v0/add", params={"cid-version": 1}, files={"file": b"hello"})
        cid = answer.json()["Hash"]
        assert httpx.get(f"{kubo.gateway}/ipfs/{cid}").content == b"hello"


def test_it_does_not_go_out_to_look_for_what_it_lacks() -> None:
    unknown = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
    with Kubo() as kubo:
        assert httpx.get(f"{kubo.gateway}/ipfs/{unknown}", timeout=10).status_code >= 400


def test_a_repository_outlives_its_daemon(tmp_path: Path) -> None:
    kubo = Kubo(tmp_path)
    try:
        kubo.up()
        cid = httpx.post(f"{kubo.api}/api/v0/add", files={"file": b"kept"}).json()["Hash"]
        kubo.down()
        assert not kubo.running
        Kubo(tmp_path).up()
        assert httpx.post(f"{kubo.api}/api/v0/cat", params={"arg": cid}).content == b"kept"
    finally:
        kubo.down()


def test_two_run_side_by_side() -> None:
    with Kubo() as one, Kubo() as other:
        assert one.api != other.api
        with pytest.raises(httpx.HTTPStatusError):
            httpx.get(one.api + "/api/v0/version").raise_for_status()
