"""The Mintworks API: one pydantic model a kind, from which CRDs, reference pages and admission rules are made."""

from .base import API_VERSION, GROUP, VERSION, parse_duration, parse_quantity
from .commands import CANCEL, HOLD, JOB_COMMANDS, PROMOTE, RETRY, JobCommands, annotation
from .jobqueue import (
    DEFAULT_CONCURRENCY,
    DEFAULT_QUEUE,
    JOB_QUEUE,
    JobQueueSpec,
    JobQueueStatus,
    RateLimit,
    Reservation,
    Starts,
)
from .kind import Dependency, JobKind, JobSpec
from .metadatajob import METADATA_JOB, MetadataJobSpec
from .mintjob import MINT_JOB, MintJobSpec
from .policy import JobPolicy, PolicyDefaults, ResolvedPolicy, ResolvedRunner, Toleration, resolve_policy
from .refs import JobRef, Mount, SecretKeyRef, Source
from .status import FINISHED, JobStatus, Phase

#: Every kind of job, by its name.
JOB_KINDS: dict[str, JobKind] = {k.kind: k for k in (METADATA_JOB, MINT_JOB)}

__all__ = [
    "API_VERSION",
    "CANCEL",
    "DEFAULT_CONCURRENCY",
    "DEFAULT_QUEUE",
    "FINISHED",
    "GROUP",
    "HOLD",
    "JOB_COMMANDS",
    "JOB_KINDS",
    "JOB_QUEUE",
    "METADATA_JOB",
    "MINT_JOB",
    "PROMOTE",
    "RETRY",
    "VERSION",
    "Dependency",
    "JobCommands",
    "JobKind",
    "JobPolicy",
    "JobQueueSpec",
    "JobQueueStatus",
    "JobRef",
    "JobSpec",
    "JobStatus",
    "MetadataJobSpec",
    "MintJobSpec",
    "Mount",
    "Phase",
    "PolicyDefaults",
    "RateLimit",
    "Reservation",
    "ResolvedPolicy",
    "ResolvedRunner",
    "SecretKeyRef",
    "Source",
    "Starts",
    "Toleration",
    "annotation",
    "parse_duration",
    "parse_quantity",
    "resolve_policy",
]
