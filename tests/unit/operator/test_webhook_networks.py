"""Addresses that a webhook may be sent to, and those that it may not."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given
from mintworks_operator.webhooks.networks import Networks

VALUES = yaml.safe_load((Path(__file__).parents[3] / "charts/mintworks/values.yaml").read_text())
#: Blocks that runner pods may reach, with their exceptions: the chart's idea of the internet.
INTERNET = [
    (ip_network(peer["ipBlock"]["cidr"]), [ip_network(n) for n in peer["ipBlock"]["except"]])
    for rule in VALUES["networkPolicy"]["egress"]
    for peer in rule["to"]
    if "ipBlock" in peer
]

REFUSED = {
    "this host": ["0.0.0.1", "0.1.2.3", "::"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254", "fd20:ce::254"],
    "a service or pod of a usual cluster": ["10.96.0.1", "10.244.0.5"],
    "shared": ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
    "loopback": ["127.0.0.1", "127.8.8.8", "::1"],
    "link-local, with metadata services": ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0"],
    "metadata services elsewhere": ["168.63.129.16", "192.0.0.192"],
    "multicast and broadcast": ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
    "reserved": ["240.0.0.1", "192.0.0.8", "198.18.0.1", "192.0.2.1", "203.0.113.9", "192.88.99.1"],
    "IPv4 mapped": ["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe"],
    "IPv4 compatible": ["::10.0.0.1", "::127.0.0.1"],
    "through NAT64": ["64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::5db8:d822"],
    "through 6to4 and Teredo": ["2002:a00:1::1", "2002:7f00:1::", "2001:0:1::1"],
    "special IPv6": ["2001:db8::1", "3fff::1", "100::1", "fec0::1", "4000::1"],
}
CALLED = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::64", "64:ff9b::1.1.1.1", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", [a for found in REFUSED.values() for a in found])
def test_what_is_not_the_internet_is_refused(address: str) -> None:
    assert Networks().objection(address)


@pytest.mark.parametrize("address", CALLED)
def test_the_internet_may_be_called(address: str) -> None:
    assert Networks().objection(address) == ""


@given(st.ip_addresses() | st.ip_addresses(v=4))
def test_what_runners_may_not_reach_webhooks_may_not(address: IPv4Address | IPv6Address) -> None:
    # A connection to an IPv4-mapped address leaves as IPv4.
    goes = getattr(address, "ipv4_mapped", None) or address
    reached = any(goes in block and not any(goes in n for n in holes) for block, holes in INTERNET)
    assert reached or Networks().objection(str(address))


def test_the_chart_allows_what_is_private_and_refuses_what_is_not() -> None:
    networks = Networks.parse(["10.1.0.0/16", "fd00:1::/32"], ["52.0.0.0/8", "2a00:1450::/32"])
    for allowed in ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00:1::5", "93.184.216.34"):
        assert networks.objection(allowed) == ""
    for refused in ("10.2.0.1", "52.1.2.3", "::ffff:52.1.2.3", "64:ff9b::52.1.2.3", "2a00:1450::1", "fd00:2::5"):
        assert networks.objection(refused)


@pytest.mark.parametrize("text", ["10.1.0.5/16", "10.0.0.0/33", "everything", ""])
def test_what_is_no_network_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Networks.parse([text], [])
