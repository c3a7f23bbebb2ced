"""`python -m mintworks_runners`: one process, one run. What it does is in the spec that MINTWORKS_SPEC names."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
from typing import NoReturn

from .core import log
from .core.process import run_job
from .core.protocol import Environment
from .core.registry import runner_of
from .core.stop import StopSignal


async def _run(environment: Environment) -> int:
    stop = StopSignal()
    stop.on_signals(asyncio.get_running_loop())
    code = await run_job(environment, stop, runner_of)
    logging.shutdown()
    sys.stdout.flush()
    # Not a return: asyncio would first wait for threads (a hash of a large folder, say), past the grace of a stop.
    os._exit(code)


def main() -> NoReturn:
    """Run the job of this process's environment and exit with the protocol's code."""
    log.configure()
    environment = Environment.read()
    environment.work.mkdir(parents=True, exist_ok=True)
    # The root file system is read-only: whatever wants a temporary file gets it in the scratch directory.
    os.environ["TMPDIR"] = tempfile.tempdir = str(environment.work)
    sys.exit(asyncio.run(_run(environment)))


if __name__ == "__main__":
    main()
