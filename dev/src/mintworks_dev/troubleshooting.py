"""`python -m mintworks_dev.troubleshooting [--check]`: the tables of reasons in docs/troubleshooting.md."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable

from mintworks_operator.core import texts
from mintworks_runners.core.reasons import CHAIN_ERRORS, FRAMEWORK_ERRORS, PROGRAM_ERRORS, TABLE, Then

from mintworks_dev import paths

_MARK = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)
_FRAMEWORK = "accounts or encoding are not what the program expects"


def tables() -> dict[str, str]:
    """Markdown by the name that its mark in the page has: every reason that operator and runners can tell."""
    own = {"waits": texts.WAITS, "starts": texts.STARTS, "runs": texts.RUNS, "ends": texts.ENDS}
    own |= {"answers": texts.ANSWERS, "queues": texts.QUEUES, "schedules": texts.SCHEDULES}
    found = {name: _table((reason, *said) for reason, said in rows.items()) for name, rows in own.items()}
    for then in Then:
        rows = ((reason, said.what, said.todo) for reason, said in TABLE.items() if said.then is then)
        found[f"runner-{then.name.lower()}"] = _table(rows)
    found["errors"] = _errors()
    return found


def page(text: str) -> str:
    """The page with its tables as they ought to be. Raises ValueError where one has no place or more than one."""
    made = tables()
    places = [name for _, name, _ in _MARK.findall(text)]
    if sorted(places) != sorted(made):
        raise ValueError(f"the page has places for {', '.join(places)}; needed: {', '.join(made)}")
    return _MARK.sub(lambda mark: f"{mark[1]}{made[mark[2]]}\n{mark[3]}", text)


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = [f"| `{reason}` | {what} | {todo} |" for reason, what, todo in rows]
    return "\n".join(["| reason | what it means | what to do |", "|---|---|---|", *lines])


def _errors() -> str:
    """What a finalized transaction can fail with, and the reason it comes to."""
    codes = [(str(code), *error) for code, error in PROGRAM_ERRORS.items()]
    codes.append((f"{FRAMEWORK_ERRORS.start}–{FRAMEWORK_ERRORS.stop - 1}", "TransactionsFail", _FRAMEWORK))
    names = [(name, *error) for name, error in CHAIN_ERRORS.items()]
    lines = [f"| `{error}` | {what} | `{reason}` |" for error, reason, what in [*codes, *names]]
    return "\n".join(["| error | what it means | reason |", "|---|---|---|", *lines])


def main() -> int:
    """Exit code 0, or 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m mintworks_dev.troubleshooting", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    options = parser.parse_args()
    path = paths.repository() / "docs" / "troubleshooting.md"
    wanted = page(path.read_text())
    if options.check and path.read_text() != wanted:
        print("docs/troubleshooting.md: its tables differ from the reasons; run `make generate`", file=sys.stderr)
        return 1
    if not options.check:
        path.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
