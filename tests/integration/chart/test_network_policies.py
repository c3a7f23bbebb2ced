"""What the chart's NetworkPolicies let through, connection by connection; that a real API server accepts them is in
test_api_server.py. This machine's CNI enforces none.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_operator.names import labels as run_labels
from support.netpol import End, allows

from .conftest import Manifest, Render

RUNNER = run_labels("MintJob", "drop", "uid", 1)
REDIS, HTTPS, DNS = 6379, 443, 53


def runner(namespace: str, ip: str = "10.244.1.1") -> End:
    return End(ip, namespace, RUNNER)


def release(component: str, instance: str = "mw") -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "mintworks",
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/component": component,
    }


PODS = {
    "runner": runner("genesis"),
    "another runner": runner("genesis", "10.244.1.2"),
    "runner of drops": runner("drops", "10.244.2.1"),
    "runner of a stranger": runner("stranger", "10.244.5.1"),
    "the namespace's kubo": End("10.244.1.9", "genesis", {"app": "kubo"}),
    "kubo of drops": End("10.244.2.9", "drops", {"app": "kubo"}),
    "redis": End("10.244.3.1", "mintworks", release("redis")),
    "redis of another release": End("10.244.3.2", "mintworks", release("redis", "other")),
    "a redis elsewhere": End("10.244.5.2", "stranger", release("redis")),
    "operator": End("10.244.3.3", "mintworks", release("operator")),
    "operator of another release": End("10.244.3.4", "mintworks", release("operator", "other")),
    "coredns": End("10.244.0.2", "kube-system", {"k8s-app": "kube-dns"}),
    "api server": End("10.96.0.1"),
    "node": End("192.168.1.10"),
    "metadata": End("169.254.169.254"),
    "metadata over IPv6": End("fd00:ec2::254"),
    "metadata through NAT64": End("64:ff9b::169.254.169.254"),
    "azure's wire server": End("168.63.129.16"),
    "a public rpc": End("52.1.2.3"),
    "a public rpc over IPv6": End("2606:4700::6810:85e5"),
    "a public rpc through NAT64": End("64:ff9b::52.1.2.3"),
}

RUN = PODS["runner"]

CASES: list[tuple[str, str, int, bool]] = [
    # What runs need
    ("runner", "coredns", DNS, True),
    ("runner", "redis", REDIS, True),
    ("runner of drops", "redis", REDIS, True),
    ("runner", "the namespace's kubo", 5001, True),
    ("runner", "a public rpc", HTTPS, True),
    ("runner", "a public rpc over IPv6", HTTPS, True),
    ("runner", "a public rpc through NAT64", HTTPS, True),
    ("runner", "a public rpc", 8899, True),
    ("operator", "redis", REDIS, True),
    ("operator", "api server", HTTPS, True),
    # Nobody connects to a runner
    ("another runner", "runner", 8080, False),
    ("the namespace's kubo", "runner", 8080, False),
    ("operator", "runner", 8080, False),
    ("a public rpc", "runner", 8080, False),
    # A runner does not get about in the cluster
    ("runner", "redis", 6380, False),
    ("runner", "operator", 8080, False),
    ("runner", "redis of another release", REDIS, False),
    ("runner", "a redis elsewhere", REDIS, False),
    ("runner", "kubo of drops", 5001, False),
    ("runner", "coredns", 9153, False),
    ("runner", "api server", HTTPS, False),
    ("runner", "node", 10250, False),
    ("runner", "metadata", 80, False),
    ("runner", "metadata over IPv6", 80, False),
    ("runner", "metadata through NAT64", 80, False),
    ("runner", "azure's wire server", 80, False),
    # Redis is for the operator and for runner pods of tenants
    ("runner of a stranger", "redis", REDIS, False),
    ("the namespace's kubo", "redis", REDIS, False),
    ("operator of another release", "redis", REDIS, False),
    ("coredns", "redis", REDIS, False),
    ("a public rpc", "redis", REDIS, False),
    ("redis", "a public rpc", HTTPS, False),
    ("redis", "coredns", DNS, False),
]


@pytest.fixture(scope="module")
def policies(render: Render) -> list[Manifest]:
    made = render("tenants[0].namespace=genesis", "tenants[1].namespace=drops")
    return [m for m in made if m["kind"] == "NetworkPolicy"]


@pytest.mark.parametrize(("source", "target", "port", "allowed"), CASES)
def test_a_connection(policies: list[Manifest], source: str, target: str, port: int, allowed: bool) -> None:
    assert allows(policies, PODS[source], PODS[target], port) is allowed


@given(address=st.ip_addresses() | st.ip_addresses(v=4, network="0.0.0.0/0"), port=st.integers(1, 65535))
def test_only_the_internet_is_reached(
    policies: list[Manifest], address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    """An address that is reached is a global one, or it is asked as DNS. (Python knows the registry of such ranges.)"""
    if allows(policies, RUN, End(str(address)), port):
        assert port == DNS or (address.is_global and not address.is_multicast) or address in DOCUMENTATION_AND_NAT64


class _Ranges:
    """Ranges that are not global by name, and lead nowhere inside of a cluster."""

    def __init__(self, *cidrs: str) -> None:
        self._networks = [ipaddress.ip_network(cidr) for cidr in cidrs]

    def __contains__(self, address: object) -> bool:
        return any(address in network for network in self._networks)


DOCUMENTATION_AND_NAT64 = _Ranges("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "64:ff9b::/96")


@pytest.mark.parametrize(
    "cidr",
    [
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
        *("::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2002::/16"),
        *("64:ff9b::10.0.0.0/104", "64:ff9b::172.16.0.0/108", "64:ff9b::192.168.0.0/112"),
        *("64:ff9b::100.64.0.0/106", "64:ff9b::127.0.0.0/104", "64:ff9b:1::/48"),
    ],
)
def test_a_range_inside_is_not_reached(policies: list[Manifest], cidr: str) -> None:
    network = ipaddress.ip_network(cidr)
    for address in (network[0], network[network.num_addresses // 2], network[-1]):
        for port in (80, HTTPS, REDIS, 8899, 10250):
            assert not allows(policies, RUN, End(str(address)), port), address


@pytest.mark.parametrize("target", ["api server", "node", "metadata", "operator", "kubo of drops", "coredns"])
def test_of_what_is_inside_only_dns_is_asked(policies: list[Manifest], target: str) -> None:
    """Where a cluster's DNS lives differs (a node's own address, a link-local one): the port is what is let through."""
    for protocol in ("UDP", "TCP"):
        reached = {p for p in (1, 52, DNS, 54, 80, REDIS, 65535) if allows(policies, RUN, PODS[target], p, protocol)}
        assert reached == {DNS}


def test_a_tenants_own_rules_are_its_own(render: Render) -> None:
    made = render(
        "tenants[0].namespace=genesis",
        "tenants[0].egress[0].to[0].ipBlock.cidr=10.9.0.0/16",
        "tenants[1].namespace=drops",
    )
    policies = [m for m in made if m["kind"] == "NetworkPolicy"]
    validator = End("10.9.0.4")
    assert allows(policies, RUN, validator, 8899)
    assert not allows(policies, PODS["runner of drops"], validator, 8899)


def test_rules_of_ones_own_replace_the_internet(render: Render) -> None:
    made = render("tenants[0].namespace=genesis", "networkPolicy.egress[0].to[0].podSelector.matchLabels.app=kubo")
    policies = [m for m in made if m["kind"] == "NetworkPolicy"]
    assert not allows(policies, RUN, PODS["a public rpc"], HTTPS)
    assert allows(policies, RUN, PODS["the namespace's kubo"], 5001)
    assert allows(policies, RUN, PODS["redis"], REDIS)
    assert allows(policies, RUN, PODS["coredns"], DNS)


def test_without_policies_there_are_none(render: Render) -> None:
    made = render("tenants[0].namespace=genesis", "networkPolicy.enabled=false")
    assert [m for m in made if m["kind"] == "NetworkPolicy"] == []


# --- the evaluator itself, on examples of the API's reference ---------------------------------------------------------


def policy(spec: dict[str, Any]) -> Manifest:
    return {"metadata": {"namespace": "x"}, "spec": {"podSelector": {}, **spec}}


INSIDE, OUTSIDE = End("10.0.0.1", "x", {"app": "web"}), End("10.0.0.2", "y", {"app": "web"})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"policyTypes": ["Ingress"]}, False),
        ({"policyTypes": ["Egress"]}, True),
        ({"ingress": [{}]}, True),
        ({"podSelector": {"matchLabels": {"app": "db"}}, "ingress": []}, True),
        ({"ingress": [{"from": [{"podSelector": {}}]}]}, False),
        ({"ingress": [{"from": [{"namespaceSelector": {}}]}]}, True),
        ({"ingress": [{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "db"}}}]}]}, False),
        ({"ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 81}]}]}, False),
        ({"ingress": [{"ports": [{"port": 70, "endPort": 90}]}]}, True),
        ({"ingress": [{"ports": [{"port": 80, "protocol": "UDP"}]}]}, False),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}, True),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.2/32"]}}]}]}, False),
        ({"podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}}, True),
    ],
)
def test_the_evaluator(spec: dict[str, Any], expected: bool) -> None:
    assert allows([policy(spec)], OUTSIDE, INSIDE, 80) is expected


def test_the_evaluator_lets_pass_what_nobody_selects() -> None:
    assert allows([policy({"policyTypes": ["Ingress", "Egress"]})], OUTSIDE, End("10.0.0.3", "z"), 80)
    assert not allows([policy({"policyTypes": ["Egress"]})], INSIDE, OUTSIDE, 80)
    assert not allows([policy({"policyTypes": ["Ingress"]}), policy({"egress": [{}]})], OUTSIDE, INSIDE, 80)
    assert allows([policy({"policyTypes": ["Ingress"]}), policy({"ingress": [{}]})], OUTSIDE, INSIDE, 80)
