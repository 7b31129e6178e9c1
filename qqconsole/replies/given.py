"""What is there already: a file or a text somebody asked to send, or what an earlier attempt could not bring to QQ."""

from __future__ import annotations

from collections.abc import Sequence

from adapter.pieces import MediaOutcome, Piece, SendMedia, Source


class Given:
    """The pieces of one attempt, in order."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = tuple(pieces)
        self.refusal = ""
        """Why the first media item that did not go was not sent, in plain English."""

    async def source(self) -> Source:
        """Yield the pieces; one media item that cannot be sent does not stop what comes after it."""
        for piece in self._pieces:
            outcome: MediaOutcome | None = yield piece
            if isinstance(piece, SendMedia) and outcome is not None and not outcome.sent:
                self.refusal = self.refusal or outcome.why
