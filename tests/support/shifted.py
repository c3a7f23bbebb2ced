"""`python -m support.shifted SECONDS`: the operator on a machine whose clock is so many seconds ahead."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta

from mintworks_operator.config import load
from mintworks_operator.operator import run


def main() -> None:
    """Until it is asked to end."""
    ahead = timedelta(seconds=float(sys.argv[1]))
    config = load([])
    logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(run(config, now=lambda: datetime.now(UTC) + ahead))


if __name__ == "__main__":
    main()
