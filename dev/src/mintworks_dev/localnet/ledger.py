"""Accounts over the last slots: reads at older slots, and forks that take slots back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from solders.pubkey import Pubkey

from mintworks_dev.localnet.account import ABSENT, Account


class Ledger:
    """The accounts as they are now, and for each of the last slots what they were before it.

    A slot keeps the value before its first write: a read at an older slot is the first such value in newer slots.
    """

    def __init__(self, accounts: Iterable[tuple[Pubkey, Account]]) -> None:
        self._now: dict[Pubkey, Account] = dict(accounts)
        self._before: OrderedDict[int, dict[Pubkey, Account]] = OrderedDict()

    def read(self, key: Pubkey) -> Account:
        """The account as it is now."""
        return self._now.get(key, ABSENT)

    def read_at(self, key: Pubkey, slot: int) -> Account:
        """The account at the end of `slot`, which must not be older than what `forget` left."""
        for at, before in self._before.items():
            if at > slot and key in before:
                return before[key]
        return self.read(key)

    def write(self, slot: int, changes: Iterable[tuple[Pubkey, Account]]) -> None:
        """Writes in the newest slot. An account without lamports is gone, as on Solana."""
        before = self._before.setdefault(slot, {})
        for key, account in changes:
            before.setdefault(key, self.read(key))
            if account.lamports == 0:
                self._now.pop(key, None)
            else:
                self._now[key] = account

    def revert(self, slot: int) -> None:
        """Takes back everything written after `slot`."""
        while self._before and next(reversed(self._before)) > slot:
            _, before = self._before.popitem()
            for key, account in before.items():
                if account.lamports == 0:
                    self._now.pop(key, None)
                else:
                    self._now[key] = account

    def forget(self, slot: int) -> None:
        """Gives up reads before the end of `slot`."""
        while self._before and next(iter(self._before)) <= slot:
            self._before.popitem(last=False)
