"""The operator's decisions, pure: `decide` for a job, `admit` for a queue. No IO, no clock, no Kubernetes objects."""

from .actions import (
    Action,
    CreateRun,
    Decision,
    DeleteJob,
    DeleteRun,
    Emit,
    EnsureQueue,
    Notify,
    RequeueAt,
    StopRun,
    Tell,
    WriteStatus,
)
from .admission import Plan, admit, held, ready
from .bulk import announced
from .decide import decide
from .document import encode
from .fairness import Claim, Run, counted, shares
from .memo import Memo
from .naming import named_of
from .news import fold
from .permits import Allowed
from .ratelimit import late
from .schedule import Scheduled, ScheduleView, timetable
from .slots import Holding, Slot, Waiting
from .specs import parsed
from .standing import Standing
from .views import Asked, Delivery, Failure, JobView, News, QueueView, RunState, RunView, Snapshot, Trouble
from .webhooks import given_up, unsent

__all__ = [
    "Action",
    "Allowed",
    "Asked",
    "Claim",
    "CreateRun",
    "Decision",
    "DeleteJob",
    "DeleteRun",
    "Delivery",
    "Emit",
    "EnsureQueue",
    "Failure",
    "Holding",
    "JobView",
    "Memo",
    "News",
    "Notify",
    "Plan",
    "QueueView",
    "RequeueAt",
    "Run",
    "RunState",
    "RunView",
    "ScheduleView",
    "Scheduled",
    "Slot",
    "Snapshot",
    "Standing",
    "StopRun",
    "Tell",
    "Trouble",
    "Waiting",
    "WriteStatus",
    "admit",
    "announced",
    "counted",
    "decide",
    "encode",
    "fold",
    "given_up",
    "held",
    "late",
    "named_of",
    "parsed",
    "ready",
    "shares",
    "timetable",
    "unsent",
]
