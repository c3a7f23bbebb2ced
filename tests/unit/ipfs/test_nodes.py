"""Blocks of IPFS: CIDs of both versions, nodes as protobuf writes them, and whatever else may arrive."""

from __future__ import annotations

import aleph_cid
import hypothesis.strategies as st
import pytest
from hypothesis import given
from mintworks_runners.ipfs.nodes import DAG_PB, RAW, BlockId, Kind, Malformed, decode
from support.specs import CID

V0 = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
EMPTY_FOLDER = b"\n\x02\x08\x01"


def test_the_empty_folder() -> None:
    of = BlockId.parse(V0)
    assert of.matches(EMPTY_FOLDER)
    assert str(of) == "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
    assert BlockId.parse(str(of)) == of
    assert decode(of, EMPTY_FOLDER).kind is Kind.DIRECTORY


def test_a_raw_block() -> None:
    hasher = aleph_cid.CidHasher.for_ipfs_v1_raw_leaves()
    hasher.update(b"hello")
    of = BlockId.parse(hasher.finalize())
    assert of.codec == RAW
    assert of.matches(b"hello")
    assert not of.matches(b"hallo")
    assert decode(of, b"hello").data == b"hello"


@pytest.mark.parametrize(
    "text",
    ["", "b", "Qm", "zb2rh", "b1", "Qm0", CID[:-3], CID + "a", V0[:-1], V0 + "1" * 9, "bafkrgqb" + "a" * 110, "k51"],
)
def test_other_forms_of_cids_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        BlockId.parse(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_node_or_malformed(data: bytes) -> None:
    try:
        decode(BlockId(DAG_PB, bytes(32)), data)
    except Malformed:
        return
