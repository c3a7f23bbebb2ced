"""What a set of NetworkPolicies lets through, by the rules of the API's reference; no CNI is asked.

A pod that no policy of a direction selects may do everything in that direction. Else it may do what the rules of all
policies that select it say together. A connection needs the leave of both ends. A block of addresses counts for pods in
it, too: whether it does is left to the CNI, and this looks for what could be let through.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod, or with `namespace` None an address outside of all."""

    ip: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def allows(policies: Iterable[Json], source: End, target: End, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection from `source` to that port of `target` is let through."""
    known = list(policies)
    at = (port, protocol)
    return _direction(known, "Egress", source, target, at) and _direction(known, "Ingress", target, source, at)


def _direction(policies: list[Json], direction: str, pod: End, other: End, at: tuple[int, str]) -> bool:
    chosen = [p for p in policies if _selects(p, pod) and direction in _types(p["spec"])]
    if not chosen:
        return True
    key, side = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    return any(
        _port(rule.get("ports"), *at) and _peer(rule.get(side), other, policy["metadata"]["namespace"])
        for policy in chosen
        for rule in policy["spec"].get(key) or []
    )


def _types(spec: Json) -> list[str]:
    # Unset: always Ingress, and Egress where there is a rule of it.
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _selects(policy: Json, pod: End) -> bool:
    return pod.namespace == policy["metadata"]["namespace"] and _matches(policy["spec"]["podSelector"], pod.labels)


def _port(ports: list[Json] | None, port: int, protocol: str) -> bool:
    if not ports:
        return True
    return any(p.get("protocol", "TCP") == protocol and port in _numbers(p) for p in ports)


def _numbers(ports: Json) -> range:
    first = int(ports.get("port", 1))
    last = int(ports.get("endPort", first if "port" in ports else 65535))
    return range(first, last + 1)


def _peer(peers: list[Json] | None, other: End, home: str) -> bool:
    if not peers:
        return True
    return any(_block(p["ipBlock"], other) if "ipBlock" in p else _pod(p, other, home) for p in peers)


def _block(block: Json, other: End) -> bool:
    address = ipaddress.ip_address(other.ip)

    def holds(cidr: str) -> bool:
        return address in ipaddress.ip_network(cidr)

    return holds(block["cidr"]) and not any(holds(cidr) for cidr in block.get("except") or [])


def _pod(peer: Json, other: End, home: str) -> bool:
    if other.namespace is None:
        return False
    if "namespaceSelector" in peer:
        # The label that every namespace has; no other is known here.
        inside = _matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace})
    else:
        inside = other.namespace == home
    return inside and _matches(peer.get("podSelector") or {}, other.labels)


def _matches(selector: Json, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _expression(e, labels) for e in selector.get("matchExpressions") or []
    )


def _expression(expression: Json, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
    raise ValueError(expression["operator"])
