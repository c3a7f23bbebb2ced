"""UploadJob: files put on IPFS as one folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import GROUP, Count, DnsLabel, Model, Quantity, Rule, StatusModel
from .kind import JobKind, JobSpec
from .refs import Mount, Names, ObjectStore, Source, VolumePath, exactly_one, one_of
from .storage import STORAGE_REQUIRED, Storage

FileType = Literal["png", "jpeg", "gif", "webp", "avif", "svg", "mp4", "webm", "mp3", "wav", "ogg", "flac", "glb"]


class Files(Model):
    """Where the files are: exactly one of its members."""

    rules: ClassVar[tuple[Rule, ...]] = (one_of("volume", "objectStore", "archive"),)

    volume: VolumePath | None = Field(None, description="A folder on a PersistentVolumeClaim.")
    object_store: ObjectStore | None = Field(
        None, description="A folder in an object store: the objects whose keys begin with the URL's and a slash."
    )
    archive: Source | None = Field(None, description="A zip, tar or tar.gz; which one is seen from its content.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("volume", "objectStore", "archive"))
        return self

    def mounts(self, field: str) -> list[Mount]:
        """What the pod mounts to read them."""
        if self.volume is not None:
            return [Mount(field=f"{field}.volume", claim=self.volume.claim)]
        if self.object_store is not None:
            return self.object_store.mounts(f"{field}.objectStore")
        return self.archive.mounts(f"{field}.archive") if self.archive is not None else []


class UploadLimits(Model):
    """What is more than this is refused, with the name of the file."""

    files: int = Field(100_000, ge=1, le=1_000_000, description="Most files. Default: 100000.")
    file_size: Quantity = Field("100Mi", description="Most bytes of one file. Default: 100Mi.")
    total_size: Quantity = Field("10Gi", description="Most bytes of all files together. Default: 10Gi.")
    pixels: int = Field(
        36_000_000,
        ge=1,
        le=400_000_000,
        description="Most pixels of an image, width times height. Decoding takes some 8 bytes of memory a pixel. "
        "Default: 36000000 (6000 by 6000).",
    )
    frames: int = Field(500, ge=1, le=10_000, description="Most frames of an animated image. Default: 500.")


class UploadJobSpec(JobSpec):
    """Spec of an UploadJob."""

    rules: ClassVar[tuple[Rule, ...]] = (*JobSpec.rules, STORAGE_REQUIRED)

    files: Files = Field(description="Where the files are.")
    types: Annotated[list[FileType], Field(min_length=1, max_length=16)] = Field(
        ["png", "jpeg", "gif", "webp", "svg"],
        description="Types of files that are taken: what a file holds must be what its name's ending says. "
        "Default: png, jpeg, gif, webp, svg.",
    )
    limits: UploadLimits = Field(UploadLimits(), description="What is more than this is refused.")
    storage: Storage | None = Field(None, description="Where the folder goes.")

    def mounts(self) -> list[Mount]:
        """The files, and what the storage needs."""
        stored = self.storage.mounts("storage") if self.storage is not None else []
        return [*self.shared_mounts(), *stored]

    def shared_mounts(self) -> list[Mount]:
        """What a MetadataJob re-reads to recompute the folder."""
        return self.files.mounts("files")

    def as_dry_run(self) -> Self:
        """Without storage: the folder is made, for its CID, and goes nowhere."""
        return super().as_dry_run().model_copy(update={"storage": None})

    def on_development_chain(self, rpc_url: str, reachable: Callable[[str], bool]) -> Self:
        """Without storage where that does not fit such a run: the CAR then stays with the runner's state."""
        del rpc_url
        if self.storage is None or self.storage.fits_development(reachable):
            return self
        return self.model_copy(update={"storage": None})


class UploadInputs(StatusModel):
    """status.inputs of an UploadJob."""

    items: Count | None = Field(None, description="Number of files.")
    bytes: Count | None = Field(None, description="Size of all files.")
    list_sha256: str | None = Field(
        None,
        max_length=64,
        description="SHA-256 of the list of files: a line each with SHA-256, size and name, sorted by name.",
    )
    cid: str | None = Field(None, max_length=120, description="CID of the folder, computed before anything was sent.")


class UploadResult(StatusModel):
    """status.result of an UploadJob."""

    cid: str = Field(max_length=120, description="CID of the folder; a file is ipfs://CID/NAME.")
    items: Count = Field(description="Number of files.")
    bytes: Count = Field(description="Size of all files.")


UPLOAD_JOB = JobKind(
    kind="UploadJob",
    plural="uploadjobs",
    singular="uploadjob",
    short_names=("uj",),
    spec=UploadJobSpec,
    inputs=UploadInputs,
    result=UploadResult,
    description="Files of a volume, an object store or an archive, checked and put on IPFS as one folder.",
)


#: The name of an UploadJob, in the spec of a job that builds on it.
UploadJobName = Annotated[DnsLabel, Names(GROUP, UPLOAD_JOB.plural, UPLOAD_JOB.kind)]
