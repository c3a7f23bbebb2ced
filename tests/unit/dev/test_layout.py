from __future__ import annotations

import ipaddress
from itertools import combinations
from pathlib import Path

import pytest
from mintworks_dev.cluster import Cluster
from mintworks_dev.cluster.isolation import check_addresses
from mintworks_dev.cluster.layout import Layout
from mintworks_dev.cluster.leftovers import belongs


def layout(slot: int = 0) -> Layout:
    return Layout("dev", Path("/build/cluster/dev"), slot)


def test_addresses_of_no_two_slots_meet() -> None:
    for one, other in combinations([layout(slot) for slot in range(64)], 2):
        for own in (one.pods, one.services, one.link):
            assert not any(own.overlaps(each) for each in (other.pods, other.services, other.link))


def test_addresses_of_one_cluster_do_not_meet_each_other() -> None:
    for slot in range(64):
        own = layout(slot)
        for one, other in combinations((own.pods, own.services, own.link), 2):
            assert not one.overlaps(other)


def test_each_address_lies_in_its_range() -> None:
    own = layout(3)
    assert ipaddress.ip_address(own.node_ip) in own.pods
    assert ipaddress.ip_address(own.service_ip) in own.services
    assert {ipaddress.ip_address(own.host_ip), ipaddress.ip_address(own.gateway_ip)} == set(own.link.hosts())


def test_link_names_fit_the_kernel() -> None:
    own = Layout("sixsix", Path("/build"), 0)
    assert all(len(name) <= 15 for name in (own.bridge, own.host_link, own.inner_link))


@pytest.mark.parametrize("name", ["", "toolong", "a-b", "a/b"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cluster name"):
        Layout(name, Path("/build"))


@pytest.mark.parametrize("slot", [-1, 64])
def test_bad_slots_are_refused(slot: int) -> None:
    with pytest.raises(ValueError, match="slot"):
        Layout("dev", Path("/build"), slot)


def test_a_folder_too_deep_for_sockets_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="MINTWORKS_BUILD"):
        Layout("dev", Path("/" + "deep/" * 20))


def test_a_route_inside_the_cluster_is_in_the_way() -> None:
    with pytest.raises(RuntimeError, match=r"10\.245\.1\.0/24.*MINTWORKS_SLOT"):
        check_addresses(layout(), [ipaddress.IPv4Network("10.245.1.0/24")])


def test_a_wider_route_is_not_in_the_way() -> None:
    check_addresses(layout(), [ipaddress.IPv4Network("10.0.0.0/8"), ipaddress.IPv4Network("192.168.0.0/16")])


def test_a_second_checkout_moves_all_its_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTWORKS_BUILD", "/build")
    monkeypatch.delenv("MINTWORKS_SLOT", raising=False)
    here = [Cluster("dev").layout, Cluster("test", 1).layout]
    monkeypatch.setenv("MINTWORKS_SLOT", "4")
    there = [Cluster("dev").layout, Cluster("test", 1).layout]
    assert [one.slot for one in here + there] == [0, 1, 4, 5]
    assert len({one.namespace for one in here + there}) == 4


def test_a_cluster_whose_name_begins_alike_is_another_one() -> None:
    own = layout()
    assert belongs(b"/b/kubelet\0--hostname-override=mintworks-dev\0", own)
    assert belongs(b"/b/etcd\0--data-dir=/build/cluster/dev/etcd\0", own)
    assert not belongs(b"/b/kubelet\0--hostname-override=mintworks-dev4\0", own)
    assert not belongs(b"/b/etcd\0--data-dir=/build/cluster/dev4/etcd\0", own)
