"""What the chart says of webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from .networks import Networks

#: Files of the mounted Secret: the seed, and the one before it, while receivers still know keys of that one.
SEED = "seed"
PREVIOUS = "previousSeed"
#: And certificates of authorities that are trusted besides the system's.
AUTHORITIES = "caBundle"


class Values(BaseModel):
    """The chart's value `webhooks`, without its seeds."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    allow_http: bool = False
    allowed_networks: list[str] = []
    refused_networks: list[str] = []

    def networks(self) -> Networks:
        """Who may be called. Raises ValueError where one of the networks is none."""
        return Networks.parse(self.allowed_networks, self.refused_networks)


@dataclass(frozen=True)
class Settings:
    """`folder` is where the Secret with seeds and certificates is mounted."""

    folder: Path
    allow_http: bool = False
    networks: Networks = field(default_factory=Networks)

    def seeds(self) -> list[str]:
        """The seeds, the one in force first; none where webhooks are off.

        Read each time: the kubelet renews the file when the Secret changes.
        """
        found = [_read(self.folder / name) for name in (SEED, PREVIOUS)]
        return [seed for seed in found if seed] if found[0] else []

    def authorities(self) -> str:
        """Certificates as PEM; empty where there are none but the system's."""
        return _read(self.folder / AUTHORITIES)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
