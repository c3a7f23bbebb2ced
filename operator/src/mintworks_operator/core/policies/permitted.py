"""What job and queue ask of the runner's pod must be on the chart's lists."""

from __future__ import annotations

from mintworks_api import Phase

from .. import texts
from ..draft import Case, Draft, policy_of, waits
from ..permits import refusals


def permitted(case: Case, draft: Draft) -> Draft:
    """Asked before every run: lists can become shorter. Not an end: they can become longer, too."""
    found = unlisted(case, draft)
    if found is None:
        return draft
    return waits(case, draft.mark(case, texts.ADMITTED, False, *found), Phase.PENDING, *found)


def unlisted(case: Case, draft: Draft) -> tuple[str, str] | None:
    """Reason and message of a runner that is not allowed."""
    allowed = case.snapshot.allowed
    if allowed is None:
        return None
    found = refusals(policy_of(case, draft).runner, allowed)
    if not found:
        return None
    own = case.spec.runner.wire() if case.spec is not None and case.spec.runner is not None else {}
    said = (f"{_place(case, path, own)}: {message}" for path, message in found)
    return texts.RUNNER_NOT_ALLOWED, texts.runner_not_allowed(said)


def _place(case: Case, path: str, own: dict[str, object]) -> str:
    if path.partition(".")[0].partition("[")[0] in own:
        return f"spec.runner.{path}"
    return f"JobQueue {case.snapshot.job.queue}: spec.jobDefaults.runner.{path}"
