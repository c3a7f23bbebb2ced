"""Every kind of job, by its name. A new kind is one more line here."""

from __future__ import annotations

from .cleanupjob import CLEANUP_JOB
from .kind import JobKind
from .metadatajob import METADATA_JOB
from .mintjob import MINT_JOB
from .uploadjob import UPLOAD_JOB

JOB_KINDS: dict[str, JobKind] = {k.kind: k for k in (UPLOAD_JOB, METADATA_JOB, MINT_JOB, CLEANUP_JOB)}
