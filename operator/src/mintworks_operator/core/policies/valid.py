"""A spec that does not parse starts nothing."""

from __future__ import annotations

from mintworks_api import Phase

from .. import texts
from ..draft import Case, Draft, waits


def valid(case: Case, draft: Draft) -> Draft:
    """Names the field. Not an end: the spec, or the operator's version, may change."""
    if case.spec is not None:
        return draft
    message = texts.invalid_spec(case.problem)
    draft = draft.mark(case, texts.ADMITTED, False, texts.INVALID_SPEC, message)
    return waits(case, draft, Phase.PENDING, texts.INVALID_SPEC, message)
