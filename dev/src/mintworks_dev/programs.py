"""`python -m mintworks_dev.programs`: everything that tests start, built before any test's time limit runs."""

from __future__ import annotations

from mintworks_dev import debian, golang

ALL = (
    golang.KUBERNETES,
    golang.COREDNS,
    golang.PAUSE,
    golang.HELM,
    golang.KUBO,
    golang.KWOK,
    golang.VERSITYGW,
)


def main() -> None:
    """Build or unpack what is missing; seconds where nothing is."""
    debian.ensure()
    for program in ALL:
        golang.ensure(program)


if __name__ == "__main__":
    main()
