"""Merkle tree accounts: layout, sizes, what they cost, and which sizes the program allows."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from . import borsh
from .borsh import DecodeError, Reader

HEADER_BYTES = 56
CONFIG_BYTES = 96
MAX_PROOF_NODES = 17
"""Proof nodes that a later transfer may have to carry; the canopy holds the rest (current source: depth − 17)."""

VALID_SIZES: tuple[tuple[int, int], ...] = (
    (3, 8),
    (5, 8),
    *((14, buffer) for buffer in (64, 256, 1024, 2048)),
    *((depth, 64) for depth in (15, 16, 17, 18, 19)),
    *((20, buffer) for buffer in (64, 256, 1024, 2048)),
    *((24, buffer) for buffer in (64, 256, 512, 1024, 2048)),
    *((26, buffer) for buffer in (512, 1024, 2048)),
    *((30, buffer) for buffer in (512, 1024, 2048)),
)
"""Every (depth, buffer) for which spl-account-compression is compiled."""

_CONFIG_DISCRIMINATOR = bytes.fromhex("7af5aff8ab2200cf")
_LAMPORTS_PER_BYTE = 6_960
_ACCOUNT_OVERHEAD = 128


class TreeSizeError(ValueError):
    """No tree of this size can be created."""


@dataclass(frozen=True, slots=True)
class TreeSize:
    """Depth, size of the change-log buffer and depth of the canopy."""

    max_depth: int
    max_buffer_size: int
    canopy_depth: int = 0

    @property
    def capacity(self) -> int:
        """How many leaves fit."""
        return 1 << self.max_depth

    @property
    def account_bytes(self) -> int:
        """Size of the tree account."""
        path = 32 * self.max_depth + 40
        canopy = 32 * max((1 << (self.canopy_depth + 1)) - 2, 0)
        return HEADER_BYTES + 24 + self.max_buffer_size * path + path + canopy

    @property
    def rent(self) -> int:
        """Lamports that the tree account needs at today's rent (ask the RPC before paying)."""
        return rent(self.account_bytes)

    def check(self) -> None:
        """Raises TreeSizeError, with what would be allowed, where the program refuses this size."""
        if (self.max_depth, self.max_buffer_size) not in VALID_SIZES:
            buffers = [buffer for depth, buffer in VALID_SIZES if depth == self.max_depth]
            depths = sorted({depth for depth, _ in VALID_SIZES})
            hint = f"maxBufferSize is one of {buffers}" if buffers else f"maxDepth is one of {depths}"
            raise TreeSizeError(f"no tree of depth {self.max_depth} and buffer {self.max_buffer_size} exists: {hint}")
        least = least_canopy(self.max_depth)
        if not least <= self.canopy_depth <= self.max_depth:
            raise TreeSizeError(
                f"canopyDepth {self.canopy_depth} does not fit depth {self.max_depth}: {least}–{self.max_depth}"
            )


def rent(size: int) -> int:
    """Lamports that an account of `size` bytes needs to be exempt from rent."""
    return (size + _ACCOUNT_OVERHEAD) * _LAMPORTS_PER_BYTE


def least_canopy(depth: int) -> int:
    """The smallest canopy depth the current program source takes."""
    return max(depth - MAX_PROOF_NODES, 0)


def cheapest_size(capacity: int) -> TreeSize:
    """The tree with the least rent that holds `capacity` leaves; TreeSizeError below 1 and above 2^30."""
    fitting = [
        TreeSize(depth, buffer, least_canopy(depth)) for depth, buffer in VALID_SIZES if 1 <= capacity <= 1 << depth
    ]
    if not fitting:
        raise TreeSizeError(f"no tree holds {capacity} leaves: a capacity is 1 to {1 << 30}")
    return min(fitting, key=lambda size: size.rent)


@dataclass(frozen=True, slots=True)
class TreeConfig:
    """Bubblegum's own account of a tree."""

    creator: Pubkey
    delegate: Pubkey
    capacity: int
    num_minted: int
    public: bool

    def encode(self) -> bytes:
        """The 96 bytes of the account (version 0, not decompressible)."""
        return b"".join(
            (
                _CONFIG_DISCRIMINATOR,
                bytes(self.creator),
                bytes(self.delegate),
                borsh.u64(self.capacity),
                borsh.u64(self.num_minted),
                borsh.boolean(self.public),
                b"\x01",
            )
        ).ljust(CONFIG_BYTES, b"\x00")


def decode_config(data: bytes) -> TreeConfig:
    """Reads a TreeConfig account; DecodeError where it is something else."""
    if data[:8] != _CONFIG_DISCRIMINATOR:
        raise DecodeError(f"not a TreeConfig: it starts with {data[:8].hex()}")
    reader = Reader(data, 8)
    return TreeConfig(reader.pubkey(), reader.pubkey(), reader.u64(), reader.u64(), reader.boolean())


@dataclass(frozen=True, slots=True)
class TreeHeader:
    """The first 56 bytes of a tree account."""

    max_buffer_size: int
    max_depth: int
    authority: Pubkey
    creation_slot: int

    def encode(self) -> bytes:
        """The 56 bytes of a concurrent Merkle tree, header version 1."""
        head = b"\x01\x00" + borsh.u32(self.max_buffer_size) + borsh.u32(self.max_depth)
        return (head + bytes(self.authority) + borsh.u64(self.creation_slot)).ljust(HEADER_BYTES, b"\x00")


def decode_header(data: bytes) -> TreeHeader:
    """Reads the header of a tree account; DecodeError where the account is no initialized tree."""
    if data[:2] != b"\x01\x00":
        raise DecodeError(f"not an initialized tree: it starts with {data[:2].hex()}")
    reader = Reader(data, 2)
    return TreeHeader(reader.u32(), reader.u32(), reader.pubkey(), reader.u64())


@dataclass(frozen=True, slots=True)
class TreeBody:
    """Counters and current root of a tree."""

    sequence: int
    active_index: int
    buffer_size: int
    root: bytes


def decode_body(data: bytes) -> TreeBody:
    """Reads counters and root of a whole tree account; DecodeError where it is too short."""
    header = decode_header(data)
    reader = Reader(data, HEADER_BYTES)
    sequence, active, size = reader.u64(), reader.u64(), reader.u64()
    reader.offset = HEADER_BYTES + 24 + active * (32 * header.max_depth + 40)
    return TreeBody(sequence, active, size, reader.take(32))


def size_of_account(data_length: int, header: TreeHeader) -> TreeSize:
    """The size a tree account of `data_length` bytes was created with; DecodeError where the length fits no canopy."""
    for canopy in range(header.max_depth + 1):
        size = TreeSize(header.max_depth, header.max_buffer_size, canopy)
        if size.account_bytes == data_length:
            return size
    raise DecodeError(f"no canopy makes a tree account of {data_length} bytes")
