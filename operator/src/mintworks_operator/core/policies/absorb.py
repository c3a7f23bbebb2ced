"""What the active run told goes into the status: its progress, and the inputs it found."""

from __future__ import annotations

from dataclasses import replace

from mintworks_api.status import Progress

from .. import texts
from ..draft import Case, Draft
from ..inputs import difference, freeze, of_kind
from ..times import SHORT, clip


def news(case: Case, draft: Draft) -> Draft:
    """First value wins among inputs; one that differs is told by a condition, and the run will not act on it."""
    if draft.status.active is None:
        return draft
    told = case.snapshot.news
    found = of_kind(case.kind, told.inputs)
    changed = difference(draft.inputs, found)
    if changed is not None:
        draft = draft.mark(case, texts.PROGRESSING, False, texts.INPUT_CHANGED, clip(texts.input_changed(*changed)))
    elif found:
        draft = replace(draft, inputs=freeze(draft.inputs, found))
    return draft if told.progress is None else draft.write(progress=summarized(told.progress))


def summarized(progress: Progress) -> Progress:
    """The progress with its printer column: "60/100", or "60%" where items are not counted."""
    items = progress.items
    counted = items is not None and items.total is not None
    summary = f"{items.done}/{items.total}" if items is not None and counted else f"{progress.percent}%"
    return progress.model_copy(update={"summary": clip(summary, SHORT)})
