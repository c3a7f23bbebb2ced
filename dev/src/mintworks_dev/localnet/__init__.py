"""A Solana chain for development: Bubblegum V1 with true concurrent Merkle trees behind Solana's own JSON-RPC.

Pure parts: `merkle`, `canopy`, `account`, `ledger`, `runtime`, `programs`, `bank`, `chain`, `faults`, `rpc`.
Parts with IO: `journal` (what survives kill -9), `server`, `daemon`, `cli`, `harness` (the Python API for tests).
"""
