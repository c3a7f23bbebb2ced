"""Bubblegum's own errors: number, name and message as its logs show them. Source: error.rs of mpl-bubblegum."""

from __future__ import annotations

from typing import Never

from mintworks_dev.localnet.programs.anchor import fail
from mintworks_dev.localnet.runtime import Call

_ERRORS = {
    6004: ("CreatorShareTotalMustBe100", "Creator shares must sum to 100"),
    6005: ("DuplicateCreatorAddress", "No duplicate creator addresses in metadata"),
    6006: ("CreatorDidNotVerify", "Creator did not verify the metadata"),
    6011: ("CreatorsTooLong", "Creators list too long"),
    6012: ("MetadataNameTooLong", "Name in metadata is too long"),
    6013: ("MetadataSymbolTooLong", "Symbol in metadata is too long"),
    6014: ("MetadataUriTooLong", "Uri in metadata is too long"),
    6015: ("MetadataBasisPointsTooHigh", "Basis points in metadata cannot exceed 10000"),
    6016: ("TreeAuthorityIncorrect", "Tree creator or tree delegate must sign."),
    6017: ("InsufficientMintCapacity", "Not enough unapproved mints left"),
    6019: ("IncorrectOwner", "Incorrect account owner"),
    6020: ("CollectionCannotBeVerifiedInThisInstruction", "Cannot Verify Collection in this Instruction"),
    6021: ("CollectionNotFound", "Collection Not Found on Metadata"),
    6025: (
        "LeafAuthorityMustSign",
        "This transaction must be signed by either the leaf owner or leaf delegate",
    ),
    6028: ("InvalidCollectionAuthority", "Invalid collection authority"),
    6029: ("InvalidDelegateRecord", "Invalid delegate record pda derivation"),
    6030: ("CollectionMasterEditionAccountInvalid", "Edition account doesnt match collection"),
    6031: ("CollectionMustBeAUniqueMasterEdition", "Collection Must Be a Unique Master Edition v2"),
    6036: ("CollectionMismatch", "Collection mismatch"),
    6040: ("InvalidTokenStandard", "Only NonFungible standard is supported"),
    6041: ("InvalidCanopySize", "Canopy size should be set bigger for this tree"),
}


def error(call: Call, code: int, where: str = "") -> Never:
    """Ends the instruction with one of Bubblegum's errors; `where` is file:line for those that require! throws."""
    name, message = _ERRORS[code]
    fail(call, code, name, message, where)
