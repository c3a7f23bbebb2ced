"""Options that all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("mintworks", deadline=None)
settings.load_profile("mintworks")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cluster",
        choices=("local", "kind", "current"),
        default="local",
        help="where end-to-end tests run: a cluster built here, kind (where Docker runs), or the current context",
    )
    parser.addoption(
        "--seed",
        type=int,
        default=1,
        help="of tests that draw what they do from a seed; they print it. Always the same here, so that CI is",
    )
    parser.addoption(
        "--fault-seed", type=int, help="the one seed of what goes wrong in tests/faults; the default is a fixed set"
    )
    parser.addoption("--soak", action="store_true", help="send 500 jobs and more through the fault proxy")
