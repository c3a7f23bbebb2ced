"""Solana's JSON-RPC over a chain: pure functions from a request to an answer, one file a group of methods."""
