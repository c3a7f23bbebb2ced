"""A program of the localnet alone: it runs the instruction it is given, so that tests can mint by CPI.

Account 0 is the program to call, the others are the inner instruction's accounts; the data is the inner instruction's.
"""

from __future__ import annotations

import hashlib

from solders.keypair import Keypair

from mintworks_dev.localnet.errors import InstructionError
from mintworks_dev.localnet.runtime import Call

ID = Keypair.from_seed(hashlib.sha256(b"mintworks/localnet/proxy").digest()).pubkey()
_UNITS = 1_200


def process(call: Call) -> None:
    """Calls the program at account 0 with the same rights the caller had."""
    call.charge(_UNITS)
    if not call.metas:
        raise InstructionError("NotEnoughAccountKeys")
    call.invoke(call.metas[0].key, call.metas[1:], call.data)
