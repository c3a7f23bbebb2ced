"""Webhooks that are due go out; what became of those that went is written down."""

from __future__ import annotations

from mintworks_api import Notification

from .. import texts
from ..actions import Emit, Notify
from ..draft import Case, Draft
from ..webhooks import payload, recorded, unsent


def notified(case: Case, draft: Draft) -> Draft:
    """Whatever the job does meanwhile: it may have been begun anew since the end that is told."""
    waiting = unsent(draft.status)
    if not waiting or not case.snapshot.notifies:
        return draft
    tried = {(d.id, d.attempt): d for d in case.snapshot.deliveries}
    for old in waiting:
        delivery = tried.get((old.id, old.attempts + 1))
        if delivery is not None:
            draft = _noted(draft, old, recorded(old, delivery))
    for notification in unsent(draft.status):
        due = notification.next_attempt_time
        if due is not None and due > case.now:
            draft = draft.wake(due)
        else:
            body = payload(case.snapshot.job, notification)
            draft = draft.do(Notify(notification.id, notification.attempts + 1, notification.url, body))
    return draft


def _noted(draft: Draft, old: Notification, new: Notification) -> Draft:
    draft = draft.write(notifications=[new if n is old else n for n in draft.status.notifications])
    if new.next_attempt_time is None and new.delivered_time is None:
        why = texts.not_notified(new.outcome, new.attempts, new.error or "")
        return draft.tell(Emit("Warning", texts.NOT_NOTIFIED, why))
    return draft
