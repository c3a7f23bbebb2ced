"""The commands `mintworks tree` and `mintworks collection`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .localnet import development_chain
from .options import DEFAULT_PORT, LocalnetPort, OnLocalnet, Output, OutputOption, print_whole, refusals, refuse, tell
from .problems import BadInput, Problem

tree_app = typer.Typer(no_args_is_help=True, help="Merkle trees for compressed NFTs.")
collection_app = typer.Typer(no_args_is_help=True, help="Collections that NFTs become verified members of.")

Wallet = Annotated[Path, typer.Option(help="Its key, as solana-keygen writes it: pays, and owns what is made.")]
Rpc = Annotated[list[str] | None, typer.Option(help="A JSON-RPC endpoint; several of one chain for failover.")]
RpcFile = Annotated[Path | None, typer.Option(help="A file of such URLs, one a line, for those with credentials.")]
Salt = Annotated[str, typer.Option(help="A second one of the same wallet needs another salt.")]
MaxCost = Annotated[str | None, typer.Option(help="SOL, at most; required on mainnet.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell address and cost, make nothing.")]


@tree_app.command("create")
def create_tree(
    *,
    wallet: Wallet,
    capacity: Annotated[int | None, typer.Option(help="Room for so many NFTs: the cheapest tree.")] = None,
    depth: Annotated[int | None, typer.Option(help="Depth, with --buffer.")] = None,
    buffer: Annotated[int | None, typer.Option(help="Concurrent changes that it can merge.")] = None,
    canopy: Annotated[int | None, typer.Option(help="Upper levels stored on chain.")] = None,
    cid: Annotated[str, typer.Option(help="Make the tree that a MintJob of this folder would make.")] = "",
    salt: Salt = "",
    rpc: Rpc = None,
    rpc_file: RpcFile = None,
    max_cost: MaxCost = None,
    dry_run: DryRun = False,
    output: OutputOption = Output.TEXT,
    localnet: OnLocalnet = False,
    localnet_port: LocalnetPort = DEFAULT_PORT,
) -> None:
    """Make a Merkle tree alone, unless it is there already. Trees cannot be closed: look at the cost first (--dry-run).

    Exit codes: 0 it is there, 64 bad input, 75 try again later, 1 the chain refused it.
    """
    from . import create  # noqa: PLC0415 - see there

    with refusals(output):
        urls = _urls(rpc, rpc_file, localnet_port if localnet else None)
        size = create.size_of(capacity, depth, buffer, canopy, salt)
        terms = create.Terms(wallet, urls, max_cost, dry_run)
        _end("tree", lambda: create.tree(terms, size, cid), output)


@collection_app.command("create")
def create_collection(
    *,
    wallet: Wallet,
    name: Annotated[str, typer.Option(help="At most 32 bytes.")],
    symbol: Annotated[str, typer.Option(help="At most 10 bytes.")] = "",
    uri: Annotated[str, typer.Option(help="Its metadata document; at most 200 bytes.")],
    seller_fee: Annotated[int, typer.Option(min=0, max=10000, help="Royalty in 1/100 percent.")] = 0,
    salt: Salt = "",
    rpc: Rpc = None,
    rpc_file: RpcFile = None,
    max_cost: MaxCost = None,
    dry_run: DryRun = False,
    output: OutputOption = Output.TEXT,
    localnet: OnLocalnet = False,
    localnet_port: LocalnetPort = DEFAULT_PORT,
) -> None:
    """Make the collection NFT that a drop needs, unless it is there already.

    Exit codes: 0 it is there, 64 bad input, 75 try again later, 1 the chain refused it.
    """
    from mintworks_runners.solana.metadata import MetadataArgs  # noqa: PLC0415 - see create.py

    from . import create  # noqa: PLC0415 - see there

    with refusals(output):
        urls = _urls(rpc, rpc_file, localnet_port if localnet else None)
        args = MetadataArgs(name=name, symbol=symbol, uri=uri, seller_fee_basis_points=seller_fee)
        terms = create.Terms(wallet, urls, max_cost, dry_run)
        _end("collection", lambda: create.collection(terms, args, salt), output)


def _urls(rpc: list[str] | None, file: Path | None, localnet_port: int | None) -> tuple[str, ...]:
    if localnet_port is not None:
        return (development_chain(localnet_port, tell),)
    lines = [] if file is None else [line.strip() for line in file.read_text().splitlines()]
    urls = (*(rpc or ()), *(line for line in lines if line and not line.startswith("#")))
    if not urls or not all(url.startswith(("http://", "https://")) for url in urls):
        # Never the URL itself: it may hold credentials.
        raise BadInput([Problem("http(s) URLs are expected, or --localnet", field="--rpc")])
    return urls


def _end(what: str, make: Callable[[], dict[str, Any]], output: Output) -> None:
    from mintworks_runners.core.errors import RunEnded  # noqa: PLC0415 - see create.py

    try:
        told = make()
    except RunEnded as error:
        refuse([Problem(f"{error.reason}: {error.message}")], error.exit_code, output)
    if output.whole:
        print_whole({"ok": True, "exitCode": 0, **told}, output)
        return
    did = "created" if told["created"] else "is there already" if told["exists"] else "would be created"
    print(f"{what} {told['address']} {did}")
    print(f"cost: {told['cost']} SOL and the priority fee" if told["costLamports"] else "cost: nothing")
