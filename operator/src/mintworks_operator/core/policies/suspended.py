"""A suspended job starts nothing."""

from __future__ import annotations

from mintworks_api import Phase

from .. import texts
from ..draft import Case, Draft, waits


def suspended(case: Case, draft: Draft) -> Draft:
    """A wait that backoff asked for goes on meanwhile."""
    if not case.suspended:
        return draft
    return waits(case, draft, Phase.SUSPENDED, texts.SUSPENDED, texts.SUSPENDED_MESSAGE)
