"""The programs of the localnet and the table of all of them."""

from __future__ import annotations

from collections.abc import Mapping

from mintworks_runners.solana.programs import (
    ASSOCIATED_TOKEN,
    BUBBLEGUM,
    COMPRESSION,
    COMPUTE_BUDGET,
    NOOP,
    SYSTEM,
    TOKEN,
    TOKEN_METADATA,
)
from solders.pubkey import Pubkey

from mintworks_dev.localnet.programs import (
    bubblegum,
    compression,
    lookup_table,
    proxy,
    simple,
    system,
    token_metadata,
    tokens,
)
from mintworks_dev.localnet.runtime import Program

PROGRAMS: Mapping[Pubkey, Program] = {
    SYSTEM: Program(system.process, native=True),
    COMPUTE_BUDGET: Program(simple.compute_budget, native=True),
    lookup_table.ID: Program(lookup_table.process, native=True),
    NOOP: Program(simple.noop),
    COMPRESSION: Program(compression.process),
    BUBBLEGUM: Program(bubblegum.process),
    TOKEN: Program(tokens.process),
    ASSOCIATED_TOKEN: Program(tokens.associated),
    TOKEN_METADATA: Program(token_metadata.process),
    proxy.ID: Program(proxy.process),
}
"""Every program that can be called, by its address."""
