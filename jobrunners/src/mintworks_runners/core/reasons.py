"""Every reason for which a run ends without a result, what follows, and what a person should do: one table."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from .errors import AttemptFailed, InvalidInput, RunEnded, Waiting


class Then(Enum):
    """What the operator does after it."""

    FINAL = "the input is bad: exit 64, the job is Failed"
    WAIT = "something outside must change: exit 75, no attempt is used up"
    RETRY = "it may pass: an attempt is used up, the next one follows after backoff"


class Reason(NamedTuple):
    """What follows from a reason, what it means, and in one sentence what a person should do about it."""

    then: Then
    what: str
    todo: str


def _final(what: str, todo: str) -> Reason:
    """A finished job stays finished: what is corrected needs a new one."""
    return Reason(Then.FINAL, what, f"{todo}, then delete the job and apply it again.")


def _wait(what: str, todo: str) -> Reason:
    return Reason(Then.WAIT, what, todo)


def _retry(what: str, todo: str) -> Reason:
    return Reason(Then.RETRY, what, todo)


_LOAD = "Look at that server and the way to it."
_ROW = "Correct the row"
_TREE = "Name another tree"

TABLE: dict[str, Reason] = {
    # The spec, and what it names
    "InvalidSpec": _final("the spec contradicts itself", "Correct the field"),
    "InvalidInput": _final("the input has several faults", "Correct what status.errors lists (the log has more)"),
    "InvalidSecret": _final("a Secret holds something else than it should", "Correct the Secret's entry"),
    "MissingSecret": _final("a Secret lacks the entry that the spec names", "Add the entry to the Secret"),
    "InvalidAddress": _final("an address is not of 32 bytes", "Correct the address"),
    "InvalidTreeSize": _final("no tree of this size can be made", "Set tree.create.capacity alone"),
    "MaxCostRequired": _final("maxCost is missing on mainnet", "Set spec.maxCost, in SOL"),
    "MaxCostTooLow": _final("maxCost cannot suffice, whatever fees are", "Raise spec.maxCost"),
    "GenesisMismatch": _final("an endpoint serves another chain", "Name endpoints of one chain in solana.rpcUrls"),
    "UnknownKind": _final(
        "the runner's image is older than the kind", "Set the chart's images.runner to the operator's"
    ),
    # Sources
    "UnknownSource": _final("a source has no known form", "Set the source's fields"),
    "SourceMissing": _final("a source has no such file", "Put the file where the spec says, or correct its path"),
    "SourceOutside": _final("a path leads out of its source", "Name a path within the source, without links out of it"),
    "SourceTooLarge": _final("a source is too large", "Split the source"),
    "ChecksumMismatch": _final("a source is not the one that the spec's sha256 names", "Correct one of them"),
    "UnknownCid": _final("a CID has a form that cannot be verified", "Name a CID of the usual forms"),
    "SourceUnavailable": _retry("a source cannot be read", _LOAD),
    "SourceRefused": _retry(
        "a server refuses to give a source", "Look at the Secret that the source names, and at what it may read."
    ),
    "SpoolFull": _retry("the pod's disk has no room for a source", "Look at the node's disk, or split the source."),
    "GatewayMismatch": _retry("the IPFS gateway answers with other content", "Look at the gateway."),
    # Files of an UploadJob
    "UnknownArchive": _final("the archive is of no kind that is read", "Make it a zip, tar or tar.gz"),
    "BrokenArchive": _final("the archive is damaged", "Make the archive anew"),
    "TooManyFiles": _final("there are more files than limits.files", "Raise the limit, or split the files"),
    "TotalTooLarge": _final("all files together are larger than limits.totalSize", "Raise the limit, or split them"),
    "FileTooLarge": _final("a file is larger than limits.fileSize", "Raise the limit, or make the file smaller"),
    "NameNotUtf8": _final("a file's name is not UTF-8", "Rename the file"),
    "UnsafeName": _final("a file's name leads out of the folder, or hides something", "Rename the file"),
    "NestedFolder": _final("files are in several folders", "Put all files into one folder"),
    "DuplicateFile": _final("an archive has a name twice", "Remove one of them"),
    "CaseCollision": _final("two names differ in nothing but case or Unicode form", "Rename one of them"),
    "NotAFile": _final("a link, a device or a pipe stands where a file should", "Put the file itself there"),
    "EncryptedFile": _final("a file of the archive is encrypted", "Make the archive without a password"),
    "UnknownCompression": _final("a file of the archive is compressed in a way that is not read", "Use deflate"),
    "BrokenFile": _final("a file of the archive is damaged, or changes while it is read", "Make the archive anew"),
    "EmptyFile": _final("a file is empty", "Give it its content, or remove it"),
    "TypeNotTaken": _final("a file is of a type that `types` does not have", "Add the type, or remove the file"),
    "WrongType": _final("a file's content is of another type than its name says", "Rename or convert the file"),
    "BrokenImage": _final("an image cannot be decoded", "Save the image anew"),
    "ImageTooLarge": _final("an image has too many pixels or frames", "Make it smaller, or raise limits.pixels"),
    "UnsafeSvg": _final("an SVG holds scripts, or refers to something outside", "Save it as a plain SVG"),
    # CleanupJob
    "NothingSigned": _final("the MintJob to audit never came to sign anything", "There is nothing to audit"),
    "NothingSpared": _retry(
        "the operator did not say what other jobs name, so nothing is unpinned", "Upgrade the operator."
    ),
    # Rows
    "EmptyInput": _final("the file holds no rows", "Give it a header and rows"),
    "NotUtf8": _final("the file is not UTF-8", "Save the file as UTF-8"),
    "LineTooLong": _final("a line is too long", "Look for a quote that is not closed"),
    "MalformedCsv": _final("the file is no CSV", "Correct the row, such as a quote that is not closed"),
    "MalformedJson": _final("a line is no JSON object", "Correct the line"),
    "MalformedText": _final("a text holds half a character or a NUL", _ROW),
    "MalformedMap": _final("the image map has no known form", "Make it a JSON object, or a CSV with file and cid"),
    "MissingColumn": _final("a column is missing", "Add the column"),
    "DuplicateColumn": _final("a column is there twice", "Rename or remove one of them"),
    "UnnamedColumn": _final("a column has no usable name", "Name the column"),
    "TooManyColumns": _final("there are more than a thousand columns", "Remove columns"),
    "MisspeltColumn": _final("a column is called nearly like a known one", "Write it as the message says"),
    "UnknownColumnType": _final("a column's name ends with a type that there is not", "Correct the column's name"),
    "PrivateColumn": _final(
        "a column holds e-mail or wallet addresses, which documents would publish",
        "Remove the column, or call it attr:NAME where it is meant to be public",
    ),
    "WrongCellCount": _final("a row has more or fewer cells than the header", "Put quotes around cells with commas"),
    "NestedValue": _final("a value is an object or a list", "Give it a text, a number or a truth value"),
    "NotText": _final("a value should be text", _ROW),
    "MissingValue": _final("a required value is empty", "Fill it in"),
    "TooLong": _final("a text is longer than the chain or IPFS allows", "Shorten it"),
    "InvalidNumber": _final("a value is no number or date of the kind that its column names", _ROW),
    "InvalidUrl": _final("a URL has no form that documents can carry", _ROW),
    "InvalidIndex": _final("an index is no number, or only some rows have one", "Correct the column index"),
    "DuplicateIndex": _final("two rows have the same index", "Correct the column index"),
    "IndexGap": _final("numbers are missing among the indexes", "Correct the column index, or leave it out"),
    "InvalidImageName": _final("an image's name is no relative path", _ROW),
    "ImageMissing": _final("the image map lacks an image", "Add the image to the map, or correct the row"),
    "DuplicateImage": _final("the image map has a name twice", "Remove one of them"),
    "InvalidCid": _final("the image map holds something that is no CID", "Correct the map"),
    "NoRecipient": _final("nobody is named to receive an item", "Set recipients.default, or recipient_wallet"),
    "UnknownItem": _final("an override names an item that does not exist", "Correct recipients.overrides"),
    "InvalidItem": _final("an override names no number", "Correct recipients.overrides"),
    "InvalidMetadata": _final("the program or an indexer would refuse an item", "Correct the item"),
    # Storage
    "CarBroken": _retry("the pod's scratch space does not give back what was written", "Look at the node's disk."),
    "NoStorage": _retry("there is nowhere to put the documents", "Set spec.storage."),
    "StorageUnavailable": _retry("the storage cannot be written to", _LOAD),
    "StorageRefused": _retry(
        "the storage refuses the credentials or the request",
        "Look at the Secret that spec.storage names, and the account.",
    ),
    "StorageFull": _retry("the storage has no room left", "Make room, or name another storage in a new job."),
    "CidMismatch": _retry("the storage computes another CID", "Look at the version of the IPFS node."),
    # Tree and collection
    "NoTree": _final("there is no Bubblegum V1 tree at the address", "Correct tree.address"),
    "TreeMismatch": _final("something else lies where the job's tree should be", "Set another tree.create.salt"),
    "PublicTree": _final("anyone may mint into the tree", f"{_TREE}, or set tree.allowPublic"),
    "NotTreeDelegate": _final("the wallet may not mint into the tree", f"{_TREE}, or make the wallet its delegate"),
    "TreeFull": _final("the tree has too little room", f"{_TREE}, or create one"),
    "NoCollection": _final("the collection does not exist", "Correct collection.mint"),
    "NotCollectionAuthority": _final(
        "the authority may not verify into the collection", "Set collection.authority to one that may"
    ),
    "Conflict": _final("an item is on the tree already, but otherwise than the input says", _TREE),
    "Refused": _final("the program refused an item that was minted alone", "Correct the item"),
    "ItemsRefused": _final("the program refused items; all others are minted", "Correct what status.errors lists"),
    "CollectionMismatch": Reason(
        Then.FINAL, "something else lies where `mintworks collection create` would make one", "Give another --salt."
    ),
    # The world outside
    "Stopped": _wait("the pod was told to end", "The job goes on by itself."),
    "InputChanged": _wait(
        "rows or a document differ from what the first attempt froze",
        "Put the old content back, or delete the job and apply it again for the new.",
    ),
    "NoHealthyEndpoint": _wait(
        "no RPC endpoint answers, or all of them lag (behind the job's first slot, too) or refuse a request",
        "Look at the endpoints in solana.rpcUrls, or add others.",
    ),
    "HistoryIncomplete": _wait(
        "no endpoint has the tree's whole history, or none can say what became of a transaction, or history and the "
        "tree's counter contradict each other",
        "Add an endpoint with full history to solana.rpcUrls.",
    ),
    "ChainStalled": _wait(
        "the chain's finalized height does not rise, or no transaction has come to an end for 15 minutes",
        "Look at the chain, or at the endpoints in solana.rpcUrls.",
    ),
    "TreeGone": _wait("an endpoint does not have the tree that others had", "Look at the endpoints in solana.rpcUrls."),
    "ForeignMinter": _wait("something else mints into the tree", "Find what else mints into the tree, and stop it."),
    "LeaseHeld": _wait(
        "another process mints into the tree", "Wait: its lease ends within 20 seconds of that process."
    ),
    "RedisAway": _wait(
        "Redis is not reachable from the pod",
        "Look at the pod of Redis, and at the Secret `mintworks-redis` of this namespace.",
    ),
    "LowBalance": _wait("the wallet cannot pay", "Send SOL to the wallet (status.inputs.wallet)."),
    "CostLimit": _wait("going on would cost more than maxCost", "Raise spec.maxCost."),
    # What may be different next time
    "SimulationFailed": _retry("no mint can be simulated", "Look at the endpoints and the error."),
    "TransactionsFail": _retry("transactions fail for a reason that is about no item", "Look at the error."),
    "TreeNotCreated": _retry("the tree could not be made", "Look at the error."),
    "TableFailed": _retry("the lookup table could not be made, taken out of service or closed", "Look at the error."),
    "CollectionNotCreated": _retry("the collection could not be made", "Look at the error."),
    "AuditFailed": _retry("the chain does not hold what the input asks for", "Look at the log, and report it."),
    "RunnerTooOld": _retry(
        "the runner does not know a field of the spec: its image is older than the operator",
        "Set the chart's value for the runner's image to the operator's version.",
    ),
    "LedgerNotWritten": _retry("the ledger cannot be written to its volume", "Look at the volume in spec.ledger."),
    "SpecUnreadable": _retry("the pod's spec file cannot be read", "Look at the node."),
    "Unexpected": _retry("an error in the runner", "Look at the log, and report it."),
}
"""Reason → what follows, what it means, what to do. docs/troubleshooting.md is made from it."""


class Refusal(NamedTuple):
    """An error of a finalized transaction: the reason that it comes to, and its words."""

    reason: str
    what: str


ITEM = "Refused"
"""The reason of errors that are about an item: it alone fails, all others are minted."""

PROGRAM_ERRORS: dict[int, Refusal] = {
    6004: Refusal(ITEM, "the creators' shares do not add up to 100"),
    6005: Refusal(ITEM, "a creator is there twice"),
    6006: Refusal(ITEM, "a creator is marked verified but did not sign"),
    6011: Refusal(ITEM, "too many creators"),
    6012: Refusal(ITEM, "the name is too long"),
    6013: Refusal(ITEM, "the symbol is too long"),
    6014: Refusal(ITEM, "the uri is too long"),
    6015: Refusal(ITEM, "the seller fee is above 100 %"),
    6016: Refusal("NotTreeDelegate", "the wallet is not the tree's creator or delegate"),
    6017: Refusal("TreeFull", "the tree is full"),
    6019: Refusal("NoCollection", "an account of the collection belongs to another program"),
    6020: Refusal(ITEM, "this mint cannot carry a verified collection"),
    6021: Refusal(ITEM, "the metadata names no collection"),
    6028: Refusal("NotCollectionAuthority", "the collection authority is not the collection's"),
    6030: Refusal("NoCollection", "the collection's edition is another one's"),
    6031: Refusal("NoCollection", "the collection is no unique master edition"),
    6036: Refusal("NoCollection", "the collection's metadata are another one's"),
    6040: Refusal(ITEM, "only NonFungible can be minted"),
}
"""Bubblegum's custom errors that a mint can meet (error.rs of mpl-bubblegum)."""

FRAMEWORK_ERRORS = range(100, 6000)
"""Codes of the framework that Bubblegum is built on (Anchor): about accounts and encoding, and these are the same for
every item. The next attempt's checks find out which.
"""

CHAIN_ERRORS: dict[str, Refusal] = {
    "AccountNotFound": Refusal("LowBalance", "the wallet holds nothing"),
    "InsufficientFundsForFee": Refusal("LowBalance", "the wallet cannot pay the fee"),
    "InsufficientFundsForRent": Refusal("LowBalance", "the wallet would be left with less than rent"),
}
"""The chain's own errors with a reason of their own. All others are about no item: signed again, and where that happens
again and again, `TransactionsFail`.
"""


def ended(reason: str, message: str, *, field: str | None = None, item: int | None = None) -> RunEnded:
    """The exception for a reason of the table; KeyError for any other. `field`, `item` are told of bad input only."""
    then = TABLE[reason].then
    if then is Then.FINAL:
        return InvalidInput.one(reason, message, field=field, item=item)
    return Waiting(reason, message) if then is Then.WAIT else AttemptFailed(reason, message)


def advice(reason: str) -> str:
    """What to do about it; empty for a reason that is not in the table."""
    return TABLE[reason].todo if reason in TABLE else ""
