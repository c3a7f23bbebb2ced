"""The Mintworks API: one pydantic model a kind, from which CRDs, reference pages and admission rules are made."""

from .base import API_VERSION, GROUP, VERSION, parse_duration, parse_quantity
from .cleanupjob import CLEANUP_JOB, CleanupJobSpec
from .commands import (
    CANCEL,
    CLEAN,
    DRAIN,
    HOLD,
    JOB_COMMANDS,
    PROMOTE,
    QUEUE_COMMANDS,
    RETRY,
    RETRY_FAILED,
    JobCommands,
    annotation,
)
from .jobqueue import (
    DEFAULT_CONCURRENCY,
    DEFAULT_QUEUE,
    JOB_QUEUE,
    BulkCommand,
    JobCounts,
    JobQueueSpec,
    JobQueueStatus,
    Keep,
    LastHour,
    RateLimit,
    Reservation,
    Starts,
)
from .jobschedule import (
    JOB_SCHEDULE,
    SCHEDULE_LABEL,
    SCHEDULED_AT,
    ConcurrencyPolicy,
    JobScheduleSpec,
    JobScheduleStatus,
    JobTemplate,
)
from .kind import Dependency, JobKind, JobSpec, Rendered
from .metadatajob import METADATA_JOB, MetadataJobSpec
from .mintjob import MINT_JOB, MintJobSpec
from .policy import (
    OUTCOMES,
    JobPolicy,
    Outcome,
    PolicyDefaults,
    ResolvedNotify,
    ResolvedPolicy,
    ResolvedRunner,
    Toleration,
    resolve_policy,
)
from .refs import JobRef, Mount, SecretKeyRef, Source
from .registry import JOB_KINDS
from .status import FINISHED, JobStatus, Notification, Phase
from .uploadjob import UPLOAD_JOB, UploadJobSpec

#: Every kind that is no job, by its name.
OTHER_KINDS: dict[str, Rendered] = {k.kind: k for k in (JOB_QUEUE, JOB_SCHEDULE)}

#: Every kind, by its name.
ALL_KINDS: dict[str, JobKind | Rendered] = {**OTHER_KINDS, **JOB_KINDS}

__all__ = [
    "ALL_KINDS",
    "API_VERSION",
    "CANCEL",
    "CLEAN",
    "CLEANUP_JOB",
    "DEFAULT_CONCURRENCY",
    "DEFAULT_QUEUE",
    "DRAIN",
    "FINISHED",
    "GROUP",
    "HOLD",
    "JOB_COMMANDS",
    "JOB_KINDS",
    "JOB_QUEUE",
    "JOB_SCHEDULE",
    "METADATA_JOB",
    "MINT_JOB",
    "OTHER_KINDS",
    "OUTCOMES",
    "PROMOTE",
    "QUEUE_COMMANDS",
    "RETRY",
    "RETRY_FAILED",
    "SCHEDULED_AT",
    "SCHEDULE_LABEL",
    "UPLOAD_JOB",
    "VERSION",
    "BulkCommand",
    "CleanupJobSpec",
    "ConcurrencyPolicy",
    "Dependency",
    "JobCommands",
    "JobCounts",
    "JobKind",
    "JobPolicy",
    "JobQueueSpec",
    "JobQueueStatus",
    "JobRef",
    "JobScheduleSpec",
    "JobScheduleStatus",
    "JobSpec",
    "JobStatus",
    "JobTemplate",
    "Keep",
    "LastHour",
    "MetadataJobSpec",
    "MintJobSpec",
    "Mount",
    "Notification",
    "Outcome",
    "Phase",
    "PolicyDefaults",
    "RateLimit",
    "Rendered",
    "Reservation",
    "ResolvedNotify",
    "ResolvedPolicy",
    "ResolvedRunner",
    "SecretKeyRef",
    "Source",
    "Starts",
    "Toleration",
    "UploadJobSpec",
    "annotation",
    "parse_duration",
    "parse_quantity",
    "resolve_policy",
]
