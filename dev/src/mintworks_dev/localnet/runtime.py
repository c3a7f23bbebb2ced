"""Runs the instructions of one transaction: program calls, calls between programs, logs, compute units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from solders.pubkey import Pubkey

from mintworks_dev.localnet.account import Account
from mintworks_dev.localnet.errors import InstructionError, instruction_text

MAX_CALL_DEPTH = 5
_LOG_BYTES = 10_000


class Meta(NamedTuple):
    """An account as an instruction names it."""

    key: Pubkey
    signer: bool
    writable: bool


class Inner(NamedTuple):
    """An instruction that a program ran, as getTransaction shows it (`outer` is the top instruction's index)."""

    outer: int
    program: Pubkey
    accounts: tuple[Pubkey, ...]
    data: bytes
    height: int


class Program(NamedTuple):
    """A program of the chain. Native ones are part of the runtime and log no units, as on Solana."""

    process: Callable[[Call], None]
    native: bool = False


class Run:
    """One transaction while it runs: changes stay here until the bank takes them."""

    def __init__(
        self,
        read: Callable[[Pubkey], Account],
        programs: Mapping[Pubkey, Program],
        slot: int,
        units: int,
    ) -> None:
        self._read = read
        self._programs = programs
        self._log_room = _LOG_BYTES
        self.slot = slot
        self.limit = units
        self.used = 0
        self.changes: dict[Pubkey, Account] = {}
        self.logs: list[str] = []
        self.inner: list[Inner] = []
        self.outer = 0

    def account(self, key: Pubkey) -> Account:
        """The account with what this transaction changed so far."""
        changed = self.changes.get(key)
        return self._read(key) if changed is None else changed

    def log(self, line: str) -> None:
        """Adds a log line; past 10,000 bytes only a note that the log was cut."""
        if self._log_room < 0:
            return
        self._log_room -= len(line)
        self.logs.append(line if self._log_room >= 0 else "Log truncated")

    def top(self, index: int, program: Pubkey, metas: Sequence[Meta], data: bytes) -> None:
        """Runs a top instruction; InstructionError where it fails."""
        self.outer = index
        self.call(Call(self, program, tuple(metas), data, 1))

    def call(self, call: Call) -> None:
        """Runs a program, with the log lines that the runtime writes around it."""
        name = str(call.program)
        program = self._programs.get(call.program)
        if program is None:
            raise InstructionError("UnsupportedProgramId")
        self.log(_INVOKE(name, call.height))
        before, room = self.used, self.limit - self.used
        try:
            program.process(call)
        except InstructionError as error:
            if not program.native:
                self.log(f"Program {name} consumed {self.used - before} of {room} compute units")
            self.log(f"Program {name} failed: {instruction_text(error.error)}")
            raise
        if not program.native:
            self.log(f"Program {name} consumed {self.used - before} of {room} compute units")
        self.log(_SUCCESS(name))


class Call:
    """What a program sees: its accounts and data, and what it may do."""

    __slots__ = ("data", "height", "metas", "program", "run")

    def __init__(self, run: Run, program: Pubkey, metas: tuple[Meta, ...], data: bytes, height: int) -> None:
        self.run = run
        self.program = program
        self.metas = metas
        self.data = data
        self.height = height

    def meta(self, index: int) -> Meta:
        """The account named at a place; InstructionError where there are fewer."""
        if index >= len(self.metas):
            raise InstructionError("NotEnoughAccountKeys")
        return self.metas[index]

    def account(self, index: int) -> Account:
        """The account at a place, as it is now."""
        return self.run.account(self.meta(index).key)

    def set(self, index: int, account: Account) -> None:
        """Writes an account; InstructionError where the transaction has it read-only."""
        meta = self.meta(index)
        if not meta.writable:
            old = self.run.account(meta.key)
            moved = old.lamports != account.lamports
            raise InstructionError("ReadonlyLamportChange" if moved else "ReadonlyDataModified")
        self.run.changes[meta.key] = account

    def signed(self, key: Pubkey) -> bool:
        """Whether this address signed the instruction."""
        return any(meta.signer and meta.key == key for meta in self.metas)

    def log(self, message: str) -> None:
        """What a program writes with msg!."""
        self.run.log(f"Program log: {message}")

    def charge(self, units: int) -> None:
        """Uses compute units; InstructionError once the transaction's limit is passed."""
        run = self.run
        run.used += units
        if run.used > run.limit:
            run.used = run.limit
            raise InstructionError("ProgramFailedToComplete")

    def invoke(self, program: Pubkey, metas: tuple[Meta, ...], data: bytes) -> None:
        """Calls another program. The caller answers for signers it adds (its own derived addresses)."""
        height = self.height + 1
        if height > MAX_CALL_DEPTH:
            raise InstructionError("CallDepth")
        run = self.run
        run.inner.append(Inner(run.outer, program, tuple(meta.key for meta in metas), data, height))
        run.call(Call(run, program, metas, data, height))


class _Lines(dict[tuple[str, int], str]):
    """Log lines that repeat in every transaction are kept once: histories of many thousand mints stay small."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def __call__(self, name: str, height: int = 0) -> str:
        line = self.get((name, height))
        if line is None:
            line = self[name, height] = self._form.format(name=name, height=height)
        return line


_INVOKE = _Lines("Program {name} invoke [{height}]")
_SUCCESS = _Lines("Program {name} success")
