"""MetadataJob: NFT metadata generated from rows and put on IPFS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from .base import GROUP, Cid, Count, DnsLabel, HttpUrl, Model, Rule, SolanaAddress, StatusModel
from .kind import Dependency, JobKind, JobSpec
from .refs import JobRef, Mount, Names, Source, exactly_one, one_of
from .storage import STORAGE_REQUIRED, Storage
from .uploadjob import UPLOAD_JOB, UploadJobName


class Creator(Model):
    """A creator and the share of royalties, in percent."""

    address: SolanaAddress = Field(description="Solana address.")
    share: int = Field(ge=0, le=100, description="Percent of the royalties; all shares make 100.")


Creators = Annotated[list[Creator], Field(max_length=5)]
#: CEL that creators, where there are any, share 100 and are named once.
CREATORS_SHARE = Rule(
    "!has(self.creators) || self.creators.size() == 0 || self.creators.map(c, c.share).sum() == 100",
    "the shares of creators must make 100 in all",
    field="creators",
)
CREATORS_ONCE = Rule(
    "!has(self.creators) || self.creators.all(c, self.creators.filter(d, d.address == c.address).size() == 1)",
    "an address may stand only once among creators",
    field="creators",
)


def check_creators(creators: list[Creator] | None) -> None:
    """The twin of CREATORS_SHARE and CREATORS_ONCE: raises ValueError."""
    if not creators:
        return
    if sum(c.share for c in creators) != 100:
        raise ValueError("creators: the shares of creators must make 100 in all")
    if len({c.address for c in creators}) != len(creators):
        raise ValueError("creators: an address may stand only once among creators")


class CollectionData(Model):
    """What every document of the collection says."""

    rules: ClassVar[tuple[Rule, ...]] = (CREATORS_SHARE, CREATORS_ONCE)

    name: str = Field(min_length=1, max_length=64, description="Name of the collection.")
    symbol: str = Field("", max_length=10, description="Symbol, at most 10 bytes. Default: empty.")
    seller_fee_basis_points: int = Field(0, ge=0, le=10000, description="Royalty in 1/100 percent. Default: 0.")
    creators: Creators | None = Field(None, description="At most 5; shares make 100. Default: none.")
    external_url: HttpUrl | None = Field(None, description="Page of the collection.")
    is_mutable: bool = Field(True, description="Whether the NFTs' metadata may be changed later. Default: true.")

    @model_validator(mode="after")
    def _creators(self) -> Self:
        check_creators(self.creators)
        return self


class Images(Model):
    """Where the images are: those of an UploadJob, a folder in IPFS, or a map from file name to CID."""

    rules: ClassVar[tuple[Rule, ...]] = (one_of("job", "cid", "map"),)

    job: UploadJobName | None = Field(
        None,
        description="An UploadJob of this namespace; its files are read again, and must hold every image_filename.",
    )
    cid: Cid | None = Field(None, description="A folder that holds every image_filename.")
    map: Source | None = Field(
        None, description="A JSON object, or a CSV with the columns file and cid: file name to CID."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("job", "cid", "map"))
        return self


class MetadataJobSpec(JobSpec):
    """Spec of a MetadataJob."""

    rules: ClassVar[tuple[Rule, ...]] = (*JobSpec.rules, STORAGE_REQUIRED)

    rows: Source = Field(
        description="CSV or JSONL: name, description, image_filename, recipient_wallet; others are attributes."
    )
    images: Images = Field(description="Where the images are.")
    collection: CollectionData = Field(description="What every document says.")
    storage: Storage | None = Field(None, description="Where the documents go.")

    def depends_on(self) -> list[JobRef]:
        """The UploadJob, where one is named."""
        job = self.images.job
        return [] if job is None else [JobRef(UPLOAD_JOB.kind, job, "images.job")]

    def mounts(self) -> list[Mount]:
        """The rows, the image map, what the storage needs."""
        stored = self.storage.mounts("storage") if self.storage is not None else []
        return [*self.shared_mounts(), *stored]

    def shared_mounts(self) -> list[Mount]:
        """What a MintJob re-reads to recompute the folder."""
        image_map = self.images.map.mounts("images.map") if self.images.map is not None else []
        return [*self.rows.mounts("rows"), *image_map]

    def as_dry_run(self) -> Self:
        """Without storage: the documents are made, for their CID, and go nowhere."""
        return super().as_dry_run().model_copy(update={"storage": None})

    def on_development_chain(self, rpc_url: str, reachable: Callable[[str], bool]) -> Self:
        """Without storage where that does not fit such a run: the CAR then stays with the runner's state."""
        del rpc_url
        if self.storage is None or self.storage.fits_development(reachable):
            return self
        return self.model_copy(update={"storage": None})

    def initial_inputs(self, dependencies: Mapping[str, Dependency]) -> dict[str, Any]:
        """The folder of the images, from the UploadJob where one is named."""
        return {} if self.images.job is None else {"imagesCid": dependencies[self.images.job].result["cid"]}


class MetadataInputs(StatusModel):
    """status.inputs of a MetadataJob."""

    rows_sha256: str | None = Field(None, max_length=64, description="SHA-256 of the rows as read.")
    items: Count | None = Field(None, description="Number of items.")
    cid: str | None = Field(None, max_length=120, description="CID of the folder, computed before anything was sent.")
    images_cid: str | None = Field(None, max_length=120, description="CID of the UploadJob's folder.")


class MetadataResult(StatusModel):
    """status.result of a MetadataJob."""

    cid: str = Field(max_length=120, description="CID of the folder; item N is ipfs://CID/N.json.")
    items: Count = Field(description="Number of documents.")
    bytes: Count = Field(description="Size of all documents.")
    warnings: Count | None = Field(None, description="What is odd about the rows, if anything; the log has it.")
    rows_sha256: str = Field(max_length=64, description="SHA-256 of the rows as read.")


METADATA_JOB = JobKind(
    kind="MetadataJob",
    plural="metadatajobs",
    singular="metadatajob",
    short_names=("mdj",),
    spec=MetadataJobSpec,
    inputs=MetadataInputs,
    result=MetadataResult,
    description="NFT metadata generated from rows and put on IPFS as one folder whose CID is computed and verified.",
)


#: The name of a MetadataJob, in the spec of a job that builds on it.
MetadataJobName = Annotated[DnsLabel, Names(GROUP, METADATA_JOB.plural, METADATA_JOB.kind)]


def metadata_job(name: str, field: str) -> JobRef:
    """A reference to a MetadataJob."""
    return JobRef(kind=METADATA_JOB.kind, name=name, field=field)
