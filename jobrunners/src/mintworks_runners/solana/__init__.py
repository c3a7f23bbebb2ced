"""The codec of Solana and Bubblegum V1: bytes in, values out, no network and no clock.

Modules: `programs` (ids, derived addresses), `metadata` (MetadataArgs and its limits), `leaf` (hashes, asset ids, the
noop event), `instructions` (create_tree and the two mints), `budget` (compute budget), `tree` (accounts, sizes, rent),
`collection` (token-metadata accounts).
System instructions come from `solders.system_program`, which encodes and decodes.
"""
