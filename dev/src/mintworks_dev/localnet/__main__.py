"""`python -m mintworks_dev.localnet`: the same as `python -m mintworks_dev localnet`."""

from __future__ import annotations

import sys

from mintworks_dev.localnet.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
