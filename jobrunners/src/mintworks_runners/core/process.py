"""One run from spec to exit code: builds the context, calls the runner, writes the termination message."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from . import termination
from .channel import open_channel
from .context import JobContext, Result, Runner
from .errors import EXIT_DONE, AttemptFailed, InvalidInput, RunEnded, Stopped
from .protocol import Environment, RunSpec
from .report import Reporter
from .sources import SourceReader
from .stop import GRACE_SECONDS, StopSignal

log = logging.getLogger(__name__)

_FLUSH_SHARE = 2.5
"""Seconds of the grace kept back for flushing the reporter and writing the message."""


async def run_job(environment: Environment, stop: StopSignal, find: Callable[[str], Runner]) -> int:
    """Run the job of this environment; the exit code. The termination message is written before it returns."""
    try:
        spec = RunSpec.read(environment.spec)
        log.info("run %d of %s %s/%s", spec.run, spec.kind, spec.namespace, spec.name, extra={"uid": spec.uid})
        result = await _run(environment, spec, stop, find(spec.kind))
        message = termination.encode_result(result)
    except RunEnded as error:
        _log(error)
        termination.write(environment.termination, termination.encode_failure(error))
        return error.exit_code
    except Exception as error:
        log.exception("the run failed unexpectedly")
        failure = AttemptFailed("Unexpected", f"{type(error).__name__}: {error}")
        termination.write(environment.termination, termination.encode_failure(failure))
        return failure.exit_code
    termination.write(environment.termination, message)
    log.info("done", extra={"result": dict(result)})
    return EXIT_DONE


async def _run(environment: Environment, spec: RunSpec, stop: StopSignal, runner: Runner) -> Result:
    async with Reporter(open_channel(environment, spec), run=spec.run) as reporter:
        context = JobContext(spec, environment, reporter, SourceReader(environment, stop), stop)
        return await _within_grace(asyncio.ensure_future(runner(context)), stop)


async def _within_grace(work: asyncio.Task[Result], stop: StopSignal) -> Result:
    """The result of `work`. After a stop it has the grace to end by itself; then it is cancelled."""
    waiter = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([work, waiter], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await asyncio.wait([work], timeout=GRACE_SECONDS - _FLUSH_SHARE)
        if work.done():
            return work.result()
        raise Stopped("stopped between two safe points because the pod was told to end")
    finally:
        waiter.cancel()
        work.cancel()


def _log(error: RunEnded) -> None:
    log.error("%s: %s", error.reason, error.message, extra={"exit": error.exit_code})
    if isinstance(error, InvalidInput):
        for finding in error.findings:
            log.error("%s", finding, extra={"finding": finding.to_json()})
        if error.total > len(error.findings):
            log.error("%d more problems are not listed", error.total - len(error.findings))
