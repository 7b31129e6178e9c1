"""Where the bytes of uploads in parts lie until they are merged: one file an upload, in a folder of our own."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from simulator.arriving import Received, Receiving

HEAD_10M = 10_002_432  # bytes that md5_10m covers (sheet 5.3)
BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged upload: the file, and the sums its prepare had announced it by (lower-case hex)."""

    file: Received
    md5: str
    sha1: str
    md5_10m: str


class PartFiles:
    """The files of the uploads under way."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def open(self, upload_id: str, offset: int) -> BinaryIO:
        """Return the upload's file, open for writing at `offset`; made when it is not there."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="qq-simulator-")
        path = Path(self._folder.name, upload_id)
        path.touch()
        file = path.open("r+b")
        file.seek(offset)
        return file

    def merged(self, upload_id: str) -> Merged:
        """Read the whole file and return what it is. Slow for a large one: call it in a thread."""
        receiving, left = Receiving(), HEAD_10M
        md5, sha1, md5_10m = hashlib.md5(), hashlib.sha1(), hashlib.md5()  # noqa: S324 - QQ's sums
        with self.open(upload_id, 0) as file:
            while block := file.read(BLOCK):
                receiving.feed(block)
                md5.update(block)
                sha1.update(block)
                if left > 0:
                    md5_10m.update(block[:left])
                    left -= len(block)
        return Merged(receiving.done(), md5.hexdigest(), sha1.hexdigest(), md5_10m.hexdigest())

    def forget(self, upload_id: str) -> None:
        """Remove the upload's file, if there is one."""
        if self._folder is not None:
            Path(self._folder.name, upload_id).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove every file, and the folder."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
