"""CleanupJob: what a failed MintJob left undone, and content that is not wanted any more."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from .base import GROUP, Cid, Count, DnsLabel, Model, Rule, StatusModel, mutable
from .kind import JobKind, JobSpec
from .mintjob import MINT_JOB, SolanaOptions
from .refs import JobRef, Mount, Names, SecretKeyRef, exactly_one, one_of
from .storage import KuboStorage, PinataStorage, Storage

#: Of the CIDs that went, so many are named in the result; the log names all.
MAX_NAMED = 6
MAX_CIDS = 250

MintJobName = Annotated[DnsLabel, Names(GROUP, MINT_JOB.plural, MINT_JOB.kind)]


class FailedMint(Model):
    """A MintJob that has ended, held against the chain. Nothing is signed, and its wallet's Secret is not read."""

    job: MintJobName = Field(description="The MintJob. It waits until that one has ended, well or not.")
    solana: SolanaOptions | None = Field(
        None, description="How the chain is reached. Default: as the MintJob says, where it does so without a Secret."
    )


class PinStorage(Model):
    """Where content is pinned: exactly one of its members."""

    rules: ClassVar[tuple[Rule, ...]] = (one_of("kubo", "pinata"),)

    kubo: KuboStorage | None = Field(None, description="A Kubo node.")
    pinata: PinataStorage | None = Field(None, description="Pinata.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("kubo", "pinata"))
        return self

    def as_storage(self) -> Storage:
        """The storage as jobs that write to it name it."""
        return Storage(kubo=self.kubo, pinata=self.pinata)


class Content(Model):
    """Pins that are to go."""

    cids: Annotated[list[Cid], Field(min_length=1, max_length=MAX_CIDS)] = Field(
        description="The folders or files. One that another job of the namespace names is never unpinned."
    )
    storage: PinStorage = Field(description="Where they are pinned.")


class CleanupJobSpec(JobSpec):
    """Spec of a CleanupJob."""

    rules: ClassVar[tuple[Rule, ...]] = (*JobSpec.rules, one_of("failedMint", "content"))

    failed_mint: FailedMint | None = Field(None, description="Say what of a MintJob is missing on the chain.")
    content: Content | None = Field(None, description="Unpin content.")
    dry_run: bool = Field(
        True,
        description="Say what would be unpinned, and unpin nothing. An audit changes nothing anyway. Default: true.",
        json_schema_extra=mutable(to=False),
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("failedMint", "content"))
        return self

    def depends_on(self) -> list[JobRef]:
        """The MintJob, however it ended, and what it was made of."""
        if self.failed_mint is None:
            return []
        return [JobRef(MINT_JOB.kind, self.failed_mint.job, "failedMint.job", any_end=True, with_own=True)]

    def mounts(self) -> list[Mount]:
        """The endpoints' Secret, the storage's."""
        if self.content is not None:
            return self.content.storage.as_storage().mounts("content.storage")
        secret = self._rpc_secret()
        return [] if secret is None else [secret.mount("failedMint.solana.rpcSecret")]

    def _rpc_secret(self) -> SecretKeyRef | None:
        solana = None if self.failed_mint is None else self.failed_mint.solana
        return None if solana is None else solana.rpc_secret

    def removes(self) -> frozenset[str]:
        """The CIDs."""
        return frozenset() if self.content is None else frozenset(self.content.cids)

    def spares(self, named: Collection[str]) -> dict[str, Any]:
        """Those that other jobs name."""
        return {} if self.content is None else {"kept": sorted(named)}

    def is_dry_run(self) -> bool:
        """As dryRun says; an audit is none: it is all that there is to do."""
        return self.content is not None and self.dry_run

    def as_dry_run(self) -> Self:
        """With dryRun."""
        return super().as_dry_run().model_copy(update={"dry_run": True})

    def on_development_chain(self, rpc_url: str, reachable: Callable[[str], bool]) -> Self:
        """With that chain's endpoint alone."""
        del reachable
        if self.failed_mint is None:
            return self
        mint = self.failed_mint.model_copy(update={"solana": SolanaOptions(rpc_urls=[rpc_url])})
        return self.model_copy(update={"failed_mint": mint})


class CleanupInputs(StatusModel):
    """status.inputs of a CleanupJob."""

    kept: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=MAX_CIDS)] | None = Field(
        None, description="Of the listed CIDs those that other jobs of the namespace name: they stay."
    )


class CleanupResult(StatusModel):
    """status.result of a CleanupJob."""

    dry_run: bool | None = Field(None, description="true: nothing was unpinned, this is what would be.")
    checked: Count = Field(description="Items of the MintJob, or CIDs, that were looked at.")
    minted: Count | None = Field(None, description="Of an audit: items that the chain holds.")
    missing: Count | None = Field(None, description="Of an audit: items that it does not hold.")
    summary: str | None = Field(None, max_length=256, description="Of an audit: which are missing.")
    tree: str | None = Field(None, max_length=44, description="Of an audit: the tree.")
    slot: Count | None = Field(None, description="Of an audit: the finalized slot that it is about.")
    unpinned: Count | None = Field(None, description="CIDs that were unpinned, or would be.")
    kept: Count | None = Field(None, description="CIDs that stay because another job names them.")
    absent: Count | None = Field(None, description="CIDs that are not pinned there.")
    cids: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=MAX_NAMED)] | None = Field(
        None, description=f"The first {MAX_NAMED} of those unpinned; the log has all."
    )


CLEANUP_JOB = JobKind(
    kind="CleanupJob",
    plural="cleanupjobs",
    singular="cleanupjob",
    short_names=("cj",),
    spec=CleanupJobSpec,
    inputs=CleanupInputs,
    result=CleanupResult,
    description="An audit of what a MintJob left undone, or the end of pins that are not wanted any more.",
)
