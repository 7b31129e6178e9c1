"""How large a request's body may be. Daphne takes in the whole of it before the application is asked anything."""

from __future__ import annotations

import sys
from typing import Any

LIMIT = 4 * 1024 * 1024
"""Bytes: more than Django reads of a form (2.5 MB). Without a limit anybody fills the memory, signed in or not."""

_TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def limit_request_bodies() -> None:
    """Let Daphne, where this process is one, refuse longer bodies with 413 while they still come in."""
    daphne: Any = sys.modules.get("daphne.http_protocol")
    if daphne is None or hasattr(daphne.WebRequest, "body_limit"):
        return

    class BoundedRequest(daphne.WebRequest):  # type: ignore[misc]
        body_limit = LIMIT
        _taken = 0
        _refused = False

        def gotLength(self, length: int | None) -> None:
            """Twisted: the headers are whole; None where the body's length is not told."""
            too_long = length is not None and length > self.body_limit
            super().gotLength(0 if too_long else length)
            if too_long:
                self._refuse()

        def handleContentChunk(self, data: bytes) -> None:
            """Twisted: some bytes of the body came."""
            self._taken += len(data)
            if self._taken > self.body_limit:
                self._refuse()
            if not self._refused:
                super().handleContentChunk(data)

        def process(self) -> Any:
            """Twisted: the request is whole."""
            return None if self._refused else super().process()

        def _refuse(self) -> None:
            if not self._refused:
                self._refused = True
                self.channel.transport.write(_TOO_LARGE)
                self.channel.loseConnection()

    daphne.WebRequest = BoundedRequest
