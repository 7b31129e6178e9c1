"""One console a data folder: a second one would recover what the first is sending."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class FolderTaken(Exception):
    """Another console runs in this data folder; ``pid`` is its process, where it could be read."""

    def __init__(self, pid: str) -> None:
        super().__init__(pid)
        self.pid = pid


def take_folder(home: Path) -> IO[str]:
    """Lock the data folder until the file returned is closed or the process ends, however it ends.

    Raises FolderTaken.
    """
    file = open(home / "console.lock", "a+", encoding="ascii")  # noqa: SIM115 - held open for the process's life
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        pid = file.read().strip()
        file.close()
        raise FolderTaken(pid) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
