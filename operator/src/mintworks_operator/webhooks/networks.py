"""Which addresses a webhook may be sent to: those of the internet, and what the chart allows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Not the internet, by the registries of special addresses of IANA (RFC 6890 and what it became), and 168.63.129.16,
#: Azure's host, which answers like a metadata service.
_SPECIAL: Mapping[str, tuple[str, ...]] = {
    "not the internet": ("0.0.0.0/8",),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    "shared (CGNAT)": ("100.64.0.0/10",),
    "loopback": ("127.0.0.0/8",),
    "link-local": ("169.254.0.0/16", "168.63.129.16/32"),
    "reserved": ("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "240.0.0.0/4"),
    "for documentation and tests": ("192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    "anycast to a relay": ("192.88.99.0/24",),
    "multicast": ("224.0.0.0/4",),
}
_SPECIAL_4 = [(why, IPv4Network(text)) for why, texts in _SPECIAL.items() for text in texts]
#: Of IPv6 only this is the internet,
_GLOBAL = IPv6Network("2000::/3")
#: without Teredo and other protocols, 6to4 (IPv4 addresses are packed in both), and documentation.
_SPECIAL_6 = [IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
#: IPv4 through a translator (NAT64).
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Networks:
    """The chart's lists: `allowed` may be called although they are not the internet, `refused` although they are."""

    allowed: tuple[Network, ...] = ()
    refused: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, allowed: list[str], refused: list[str]) -> Networks:
        """From CIDRs.

        Raises:
            ValueError: one is none, or has bits set beyond its prefix.
        """
        return cls(tuple(ip_network(n) for n in allowed), tuple(ip_network(n) for n in refused))

    def objection(self, text: str) -> str:
        """What keeps a webhook from being sent to that address; empty where nothing does."""
        return self._objection(_really(ip_address(text.partition("%")[0])))

    def _objection(self, address: Address) -> str:
        if any(address in network for network in self.allowed):
            return ""
        if any(address in network for network in self.refused):
            return "in webhooks.refusedNetworks"
        if isinstance(address, IPv4Address):
            return next((why for why, network in _SPECIAL_4 if address in network), "")
        if address in _NAT64:
            return self._objection(IPv4Address(int(address) & 0xFFFFFFFF))
        return "" if address in _GLOBAL and not any(address in n for n in _SPECIAL_6) else "not the internet"


def _really(address: Address) -> Address:
    """The address that a connection goes to: the system takes an IPv4-mapped one for the IPv4 address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
