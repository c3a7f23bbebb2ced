"""Where the localnet of this machine's user is."""

from __future__ import annotations

import os
from pathlib import Path

PORT = 8899
"""The port of Solana's own test validator: clients expect a chain of this machine there."""


def default_state() -> Path:
    """Where the localnet of this user lives: under XDG_STATE_HOME, else ~/.local/state."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "mintworks" / "localnet"
