"""`python -m mintworks_cli.leash LOCK PARENT COMMAND…`: become COMMAND, held so that it never works unattended.

It holds an flock on LOCK for as long as it lives (the descriptor survives exec), and on Linux the kernel kills it when
its parent, the `mintworks run` that reads its messages, is gone. Only light modules here: it precedes every run.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys

EXIT_NOT_FINISHED = 75
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become COMMAND; where that is not possible, exit 75, because nothing was done."""
    lock, parent, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    # The parent may have died before the line above.
    if os.getppid() != int(parent):
        sys.exit(EXIT_NOT_FINISHED)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{lock} is held by another run of this job", file=sys.stderr)
        sys.exit(EXIT_NOT_FINISHED)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    os.set_inheritable(descriptor, True)
    os.execv(command[0], command)  # noqa: S606 - exec is the point: the same process, now the runner


if __name__ == "__main__":
    main(sys.argv[1:])
