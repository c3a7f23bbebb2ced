"""`python -m mintworks_dev localnet run|start|stop|status`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from solders.pubkey import Pubkey

from mintworks_dev.localnet.genesis import LAMPORTS_PER_SOL, CollectionNft, Funded
from mintworks_dev.localnet.journal import JournalError
from mintworks_dev.localnet.place import PORT, default_state
from mintworks_dev.localnet.server import Server
from mintworks_dev.localnet.world import SLOT_MS, Settings

if TYPE_CHECKING:
    from mintworks_dev.localnet.daemon import Daemon

_HOST = "127.0.0.1"
_LAST_PORT = 65535


def main(argv: list[str]) -> int:
    """Runs one command; 0 done, 1 failed, 64 bad arguments."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as error:
        return 0 if error.code == 0 else 64
    try:
        return {"run": _run, "start": _start, "stop": _stop, "status": _status}[options.command](options)
    except (JournalError, RuntimeError, OSError) as error:
        print(f"localnet: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    asyncio.run(_serve(options))
    return 0


async def _serve(options: argparse.Namespace) -> None:
    # blocks are kept, and Python's collector would walk all of them again and again: there are no cycles among them
    gc.set_threshold(200_000, 50, 1000)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Server(_settings(options), options.host, options.port, options.twin_port) as server:
        where = {"url": f"http://{options.host}:{server.port}", "twin": server.twin_port}
        if options.state:
            _publish(options.state, where)
        print(f"localnet: {json.dumps(where)}", flush=True)
        waits = [asyncio.create_task(stopped.wait()), asyncio.create_task(server.wait())]
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for task in done:
            task.result()


def _publish(state: Path, where: Mapping[str, object]) -> None:
    draft = state / "endpoint.new"
    draft.write_text(json.dumps(where))
    draft.replace(state / "endpoint.json")


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        slot_ms=options.slot_ms,
        state=options.state,
        genesis_seed=options.genesis_seed,
        funded=tuple(options.fund),
        collections=tuple(options.collection),
        fault_seed=options.fault_seed,
        twin_lag=options.twin_lag,
    )


def _daemon(options: argparse.Namespace) -> Daemon:
    # loaded when asked for: a chain in its image needs nothing of what starts and stops processes here
    module = importlib.import_module("mintworks_dev.localnet.daemon")
    daemon: Daemon = module.Daemon(options.state)
    return daemon


def _start(options: argparse.Namespace) -> int:
    url = _daemon(options).start(_run_arguments(options))
    print(f"localnet: {url} (state in {options.state})")
    return 0


def _run_arguments(options: argparse.Namespace) -> list[str]:
    """The arguments of `run` that say the same as those of `start`."""
    numbers = ("port", "slot_ms", "twin_lag", "fault_seed", "twin_port", "genesis_seed")
    given = [(name, getattr(options, name)) for name in numbers]
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in given if value is not None]
    arguments += [f"--fund={address}={lamports / LAMPORTS_PER_SOL}" for address, lamports in options.fund]
    return arguments + [f"--collection={nft.mint}={nft.authority}" for nft in options.collection]


def _stop(options: argparse.Namespace) -> int:
    stopped = _daemon(options).stop()
    print("localnet: stopped" if stopped else "localnet: it was not running")
    return 0


def _status(options: argparse.Namespace) -> int:
    url = _daemon(options).url()
    print(f"localnet: {url}" if url else "localnet: not running")
    return 0 if url else 1


def parser() -> argparse.ArgumentParser:
    """What reads the arguments of `mintworks localnet`."""
    made = argparse.ArgumentParser(prog="localnet", description="A Solana chain for development.")
    commands = made.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a chain in the foreground")
    run.add_argument("--host", default=_HOST)
    _chain_options(run)
    run.add_argument("--state", type=Path, help="folder in which the chain survives; memory only without it")
    start = commands.add_parser("start", help="start a chain in the background, and wait until it answers")
    _chain_options(start)
    for name in ("start", "stop", "status"):
        known = {"start": start}.get(name) or commands.add_parser(name, help=f"{name} the one in the background")
        known.add_argument("--state", type=Path, default=default_state(), help="its folder (default: %(default)s)")
    return made


def _chain_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=PORT, help="0 takes any free one (default: %(default)s)")
    parser.add_argument("--slot-ms", type=int, default=SLOT_MS, help="how long a slot takes (default: %(default)s)")
    parser.add_argument("--genesis-seed", help="the same seed and flags give the same genesis hash (default: random)")
    parser.add_argument("--fund", type=_funded, action="append", default=[], metavar="PUBKEY=SOL")
    parser.add_argument("--collection", type=_collection, action="append", default=[], metavar="MINT=AUTHORITY")
    parser.add_argument("--twin-port", type=_port, help="a second endpoint of the same chain, which can lag")
    parser.add_argument("--twin-lag", type=int, default=0, help="slots the second endpoint is behind")
    parser.add_argument("--fault-seed", type=int, default=0, help="seed of all faults' chances")


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to {_LAST_PORT}")
    return int(text)


def _funded(text: str) -> Funded:
    address, _, sol = text.partition("=")
    return Funded(Pubkey.from_string(address), round(float(sol) * LAMPORTS_PER_SOL))


def _collection(text: str) -> CollectionNft:
    mint, _, authority = text.partition("=")
    return CollectionNft(Pubkey.from_string(mint), Pubkey.from_string(authority))
