"""`python -m mintworks_operator`."""

from __future__ import annotations

import asyncio
import logging
import sys

from .api import ApiError
from .config import ConfigError, load
from .lease import LeaseLostError
from .operator import UnsupportedError, run


def main() -> int:
    """Exit code 0 when asked to end; 1 when the Lease is lost or the cluster cannot be used; 2 for bad settings."""
    try:
        config = load(sys.argv[1:])
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # kopf tells at INFO of every watch that starts anew.
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLogger().level))
    # And at ERROR of every try again in a namespace that cannot be read; that is told once, by the LIST.
    logging.getLogger("kopf._cogs.clients.watching").addFilter(lambda line: "APIForbidden" not in line.getMessage())
    try:
        asyncio.run(run(config))
    except (ApiError, LeaseLostError, UnsupportedError) as error:
        logging.getLogger(__name__).critical("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
