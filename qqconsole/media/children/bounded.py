"""``bounded.py BYTES PROGRAM ...`` becomes that program, which then has no more memory than that."""

from __future__ import annotations

import os
import sys


def _bound(memory: int) -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ImportError, ValueError, OSError):
        pass  # not every system knows the limit; the time limit of whoever started this stays


if __name__ == "__main__":
    _bound(int(sys.argv[1]))
    # glibc sets 64 MB of addresses aside for each thread, which would count.
    os.environ["MALLOC_ARENA_MAX"] = "2"
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell; whoever starts this names the program
