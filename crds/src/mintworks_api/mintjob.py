"""MintJob: bulk minting of compressed NFTs (Bubblegum V1), each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from .base import Cid, Count, HttpUrl, Model, Rule, SolanaAddress, StatusModel, mutable, without_null
from .kind import Dependency, JobKind, JobSpec
from .metadatajob import CREATORS_ONCE, CREATORS_SHARE, Creators, MetadataJobName, check_creators, metadata_job
from .refs import JobRef, Mount, SecretKeyRef, Source, VolumePath, exactly_one, one_of

LAMPORTS_PER_SOL = 1_000_000_000


class PriorityFee(Model):
    """The price paid for a compute unit above the base fee."""

    percentile: int = Field(
        75, ge=0, le=100, description="Percentile of recent minima over the written accounts. Default: 75."
    )
    max_micro_lamports: int = Field(
        1_000_000,
        ge=0,
        le=1_000_000_000,
        description="Cap, in millionths of a lamport per compute unit. Default: 1000000.",
    )


class SolanaOptions(Model):
    """How the chain is reached."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("has(self.rpcUrls) || has(self.rpcSecret)", "set rpcUrls or rpcSecret", field="rpcUrls"),
    )

    rpc_urls: Annotated[list[HttpUrl], Field(min_length=1, max_length=8)] | None = Field(
        None,
        description="JSON-RPC endpoints of one cluster, used with failover.",
        json_schema_extra=mutable(),
    )
    rpc_secret: SecretKeyRef | None = Field(
        None,
        description="A Secret entry that holds endpoint URLs, one a line, for URLs with credentials in them.",
    )
    commitment: Literal["confirmed", "finalized"] = Field(
        "confirmed",
        description="When a transaction leaves the window of those under way. Default: confirmed.",
    )
    priority_fee: PriorityFee = Field(
        PriorityFee(), description="The price paid for a compute unit.", json_schema_extra=mutable()
    )
    requests_per_second: int = Field(
        50,
        ge=1,
        le=10000,
        description="Budget of requests to the endpoints in all. Jobs of a namespace that name the same endpoint share "
        "it. Default: 50.",
        json_schema_extra=mutable(),
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.rpc_urls is None and self.rpc_secret is None:
            raise ValueError("set rpcUrls or rpcSecret")
        return self


class Signer(Model):
    """A key that signs, as `solana-keygen` writes it."""

    secret: SecretKeyRef = Field(description="The Secret entry that holds the key (a JSON array of 64 numbers).")


class TreeCreate(Model):
    """A tree made by the job, at an address derived from wallet, CID and salt: a crash never makes two."""

    rules: ClassVar[tuple[Rule, ...]] = (
        one_of("capacity", "maxDepth"),
        Rule(
            "has(self.maxDepth) == has(self.maxBufferSize)",
            "maxDepth and maxBufferSize go together",
            field="maxBufferSize",
        ),
    )

    capacity: int | None = Field(
        None,
        ge=1,
        le=1 << 30,
        description="Room for so many NFTs, now and later; the cheapest valid tree is chosen.",
    )
    max_depth: int | None = Field(None, ge=3, le=30, description="Depth; room is 2^maxDepth.")
    max_buffer_size: int | None = Field(None, ge=8, le=2048, description="Concurrent changes that the tree can merge.")
    canopy_depth: int | None = Field(
        None,
        ge=0,
        le=17,
        description="Upper levels stored on chain. Default: the least that later transfers need (maxDepth - 17).",
    )
    salt: str | None = Field(
        None, min_length=1, max_length=64, description="A second edition needs another salt. Default: none."
    )

    @model_validator(mode="after")
    def _size(self) -> Self:
        exactly_one(self, ("capacity", "maxDepth"))
        if (self.max_depth is None) != (self.max_buffer_size is None):
            raise ValueError("maxBufferSize: maxDepth and maxBufferSize go together")
        return self


class Tree(Model):
    """The Merkle tree that holds the NFTs: a new one, or one that exists."""

    rules: ClassVar[tuple[Rule, ...]] = (
        one_of("create", "address"),
        Rule(
            "!has(self.allowPublic) || has(self.address)",
            "allowPublic goes with address",
            field="allowPublic",
        ),
    )

    create: TreeCreate | None = Field(None, description="Make a tree.")
    address: SolanaAddress | None = Field(
        None, description="Use this tree; the wallet must be its creator or delegate."
    )
    allow_public: bool | None = Field(None, description="Accept a tree into which anyone may mint. Default: false.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("create", "address"))
        if self.allow_public is not None and self.address is None:
            raise ValueError("allowPublic goes with address")
        return self


class CollectionRef(Model):
    """The collection NFT that every NFT becomes a verified member of."""

    mint: SolanaAddress = Field(description="Mint of the collection NFT.")
    authority: Signer | None = Field(None, description="Update authority of the collection. Default: the wallet.")


class Asset(Model):
    """What every NFT carries on the chain, where no MetadataJob says it."""

    rules: ClassVar[tuple[Rule, ...]] = (CREATORS_SHARE, CREATORS_ONCE)

    symbol: str = Field("", max_length=10, description="Symbol, at most 10 bytes. Default: empty.")
    seller_fee_basis_points: int = Field(0, ge=0, le=10000, description="Royalty in 1/100 percent. Default: 0.")
    creators: Creators | None = Field(None, description="At most 5; shares make 100. Default: none.")
    is_mutable: bool = Field(True, description="Whether the NFTs' metadata may be changed later. Default: true.")

    @model_validator(mode="after")
    def _creators(self) -> Self:
        check_creators(self.creators)
        return self


class MetadataFrom(Model):
    """What is minted: the documents of a MetadataJob, or a folder that exists."""

    rules: ClassVar[tuple[Rule, ...]] = (
        one_of("job", "cid"),
        Rule("has(self.cid) == has(self.manifest)", "cid and manifest go together", field="manifest"),
        Rule(
            "!has(self.asset) || has(self.cid)",
            "asset goes with cid; a MetadataJob brings its own",
            field="asset",
        ),
    )

    job: MetadataJobName | None = Field(None, description="A MetadataJob of this namespace.")
    cid: Cid | None = Field(None, description="A folder of documents; item N is ipfs://CID/N.json.")
    manifest: Source | None = Field(
        None, description="Rows with the columns of a MetadataJob's rows: names and wallets."
    )
    asset: Asset | None = Field(None, description="What every NFT carries on the chain.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, ("job", "cid"))
        if (self.cid is None) != (self.manifest is None):
            raise ValueError("manifest: cid and manifest go together")
        if self.asset is not None and self.cid is None:
            raise ValueError("asset: asset goes with cid; a MetadataJob brings its own")
        return self


class Recipients(Model):
    """Who receives an item: an override, else the row's recipient_wallet, else the default."""

    default: Annotated[str, Field(pattern=r"^(wallet|[1-9A-HJ-NP-Za-km-z]{32,44})$", max_length=44)] | None = Field(
        None,
        description="An address, or the word wallet for the job's own. Default: none; a row without one is an error.",
    )
    overrides: Annotated[dict[str, SolanaAddress], Field(max_length=1000), BeforeValidator(without_null)] | None = (
        Field(None, description='Item number to address, for example {"3": …}.')
    )


class LedgerTarget(Model):
    """Where the finished ledger is written."""

    volume: VolumePath = Field(
        description="A file on a PersistentVolumeClaim: CSV where its name ends in .csv, else JSON lines."
    )


class MintJobSpec(JobSpec):
    """Spec of a MintJob."""

    solana: SolanaOptions = Field(description="How the chain is reached.", json_schema_extra=mutable())
    wallet: Signer = Field(description="Pays for everything and is the tree's delegate.")
    tree: Tree = Field(description="The Merkle tree.")
    collection: CollectionRef | None = Field(None, description="The collection. Default: none.")
    metadata_from: MetadataFrom = Field(description="What is minted.")
    recipients: Recipients = Field(Recipients(), description="Who receives an item.")
    batch_size: int = Field(
        3, ge=1, le=10, description="Most mints in one transaction; fewer where its size says so. Default: 3."
    )
    in_flight: int = Field(1000, ge=1, le=10000, description="Most transactions under way. Default: 1000.")
    max_cost: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$", max_length=19)] | None = Field(
        None,
        description="SOL, fees and rent over all attempts; required on mainnet. Default: no limit.",
        json_schema_extra=mutable(),
    )
    dry_run: bool = Field(
        False,
        description="Check everything and tell what it will cost, without signing anything. Default: false.",
        json_schema_extra=mutable(to=False),
    )
    ledger: LedgerTarget | None = Field(
        None, description="Where the finished ledger is written; it can always be rebuilt."
    )

    @property
    def max_cost_lamports(self) -> int | None:
        """maxCost in lamports."""
        return None if self.max_cost is None else int(Decimal(self.max_cost) * LAMPORTS_PER_SOL)

    def depends_on(self) -> list[JobRef]:
        """The MetadataJob, where one is named."""
        job = self.metadata_from.job
        return [] if job is None else [metadata_job(job, "metadataFrom.job")]

    def mounts(self) -> list[Mount]:
        """Keys, the manifest, the ledger's volume."""
        mounts = [self.wallet.secret.mount("wallet.secret")]
        if self.solana.rpc_secret is not None:
            mounts.append(self.solana.rpc_secret.mount("solana.rpcSecret"))
        if self.collection is not None and self.collection.authority is not None:
            mounts.append(self.collection.authority.secret.mount("collection.authority.secret"))
        mounts.extend(self.shared_mounts())
        if self.ledger is not None:
            mounts.append(Mount(field="ledger.volume", claim=self.ledger.volume.claim, read_only=False))
        return mounts

    def shared_mounts(self) -> list[Mount]:
        """What an audit re-reads."""
        manifest = self.metadata_from.manifest
        return [] if manifest is None else manifest.mounts("metadataFrom.manifest")

    def exclusive(self, inputs: Mapping[str, Any]) -> list[str]:
        """The tree: its address, else what its derived address follows from."""
        if self.tree.address is not None:
            return [f"tree:{self.tree.address}"]
        salt = self.tree.create.salt if self.tree.create is not None else None
        secret = self.wallet.secret
        return [f"tree:{secret.name}/{secret.key}/{inputs.get('cid', '')}/{salt or ''}"]

    def is_dry_run(self) -> bool:
        """As dryRun says."""
        return self.dry_run

    def as_dry_run(self) -> Self:
        """With dryRun."""
        return super().as_dry_run().model_copy(update={"dry_run": True})

    def on_development_chain(self, rpc_url: str, reachable: Callable[[str], bool]) -> Self:
        """With that chain's endpoint alone."""
        del reachable
        solana = self.solana.model_copy(update={"rpc_urls": [rpc_url], "rpc_secret": None})
        return self.model_copy(update={"solana": solana})

    def initial_inputs(self, dependencies: Mapping[str, Dependency]) -> dict[str, Any]:
        """CID, item count and rows' hash, from the MetadataJob where one is named."""
        if self.metadata_from.job is None:
            return {"cid": self.metadata_from.cid}
        result = dependencies[self.metadata_from.job].result
        return {name: result[name] for name in ("cid", "items", "rowsSha256")}


class MintInputs(StatusModel):
    """status.inputs of a MintJob."""

    genesis: str | None = Field(None, max_length=64, description="Genesis hash of the chain.")
    first_slot: Count | None = Field(None, description="Slot from which the job's costs are counted.")
    cid: str | None = Field(None, max_length=120, description="Folder of the documents.")
    items: Count | None = Field(None, description="Number of items.")
    rows_sha256: str | None = Field(None, max_length=64, description="SHA-256 of the rows as read.")
    trees: Annotated[list[Annotated[str, Field(max_length=44)]], Field(max_length=16)] | None = Field(
        None, description="Trees that hold the items."
    )
    wallet: str | None = Field(None, max_length=44, description="Address of the wallet.")


class MintResult(StatusModel):
    """status.result of a MintJob."""

    tree: str = Field(max_length=44, description="The tree.")
    items: Count = Field(description="Number of items.")
    minted: Count = Field(description="Minted by this job; by a dry run none.")
    already: Count = Field(description="Found minted.")
    failed: Count = Field(0, description="Not minted.")
    fees_lamports: Count = Field(
        description="Fees of all the tree's transactions that the wallet paid since firstSlot; of a dry run those that "
        "are still to come, priority fees at today's price."
    )
    rent_lamports: Count = Field(description="Rent of what the job created, or still has to create.")
    genesis: str = Field(max_length=64, description="Genesis hash of the chain.")
    audit: str | None = Field(
        None, max_length=128, description="ok: the chain holds every item exactly once, as the input says."
    )
    lookup_table: str | None = Field(
        None, max_length=512, description="A lookup table of this job that is still open: run again, it closes it."
    )
    dry_run: bool | None = Field(None, description="true: nothing was minted, this is what it will take.")
    transactions: Count | None = Field(None, description="Of a dry run: transactions still to be sent.")
    most_fees_lamports: Count | None = Field(
        None, description="Of a dry run: feesLamports if every price were priorityFee.maxMicroLamports."
    )
    balance_lamports: Count | None = Field(None, description="Of a dry run: what the wallet holds.")
    seconds: Count | None = Field(None, description="Of a dry run: how long it will take, estimated.")


MINT_JOB = JobKind(
    kind="MintJob",
    plural="mintjobs",
    singular="mintjob",
    short_names=("mj",),
    spec=MintJobSpec,
    inputs=MintInputs,
    result=MintResult,
    description="Compressed NFTs minted in bulk, each exactly once.",
)
