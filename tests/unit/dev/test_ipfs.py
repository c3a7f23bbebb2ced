from __future__ import annotations

import pytest
from mintworks_dev.ipfs.kubo import url_of


def test_an_address_of_kubo_is_a_url() -> None:
    assert url_of("/ip4/127.0.0.1/tcp/5001\n") == "http://127.0.0.1:5001"


@pytest.mark.parametrize("address", ["", "/unix/run/ipfs", "/ip4/127.0.0.1/udp/1/quic", "127.0.0.1:5001"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not an IPv4 address"):
        url_of(address)
