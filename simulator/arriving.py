"""A file while it arrives: measured and summed piece by piece, so that a large one never lies in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

KEPT_BYTES = 4_000_000  # larger ones are remembered by size and sum only
HEAD = 64  # bytes by which a format is told


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived; `content` is None for large ones."""

    size: int
    sha256: str
    head: bytes
    content: bytes | None


class Receiving:
    """Takes a file's bytes in order; `done` says what they were."""

    def __init__(self) -> None:
        self.size = 0
        self._sum = hashlib.sha256()
        self._kept = bytearray()

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.size += len(piece)
        self._sum.update(piece)
        if self.size <= KEPT_BYTES:
            self._kept += piece
        else:
            self._kept += piece[: max(0, HEAD - len(self._kept))]
            del self._kept[HEAD:]

    def done(self) -> Received:
        """Return the whole file."""
        head = bytes(self._kept[:HEAD])
        content = bytes(self._kept) if self.size <= KEPT_BYTES else None
        return Received(self.size, self._sum.hexdigest(), head, content)


def received(content: bytes) -> Received:
    """Return bytes that came in one piece as a received file."""
    receiving = Receiving()
    receiving.feed(content)
    return receiving.done()
