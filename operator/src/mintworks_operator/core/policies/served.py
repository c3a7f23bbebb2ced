"""Only enabled namespaces are served."""

from __future__ import annotations

from mintworks_api import Phase

from .. import texts
from ..draft import Case, Draft, waits


def served(case: Case, draft: Draft) -> Draft:
    """A job elsewhere is told so."""
    if case.snapshot.served:
        return draft
    return waits(case, draft, Phase.PENDING, texts.NAMESPACE_NOT_ENABLED, texts.UNSERVED_MESSAGE)
