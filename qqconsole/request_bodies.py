"""How large a request's body may be. Daphne takes in the whole of it before the application is asked anything.

What takes files takes longer bodies, but only from somebody who is signed in or has a token, which is
asked as soon as the body passes the ordinary limit; they wait on disk, and the application reads them from there
(``bodies_on_disk``), so that no file is ever whole in memory.
"""

from __future__ import annotations

import asyncio
import io
import logging
import shutil
import sys
import tempfile
from typing import Any

from qqconsole.bodies_on_disk import BODY
from qqconsole.unread_answers import IS_FULL

log = logging.getLogger(__name__)

LIMIT = 4 * 1024 * 1024
"""Bytes: more than Django reads of a form (2.5 MB). Without a limit anybody fills the memory, signed in or not."""
FILE_LIMIT = 201 * 1024 * 1024
"""Bytes: the largest file QQ takes (docs/protocol.md 5.2) in its envelope."""
FILE_PATHS = frozenset({b"/api/v1/media"})
COPIES = 3
"""A file passes through as many temporary places at once."""

_REFUSALS = {
    401: b"401 Unauthorized",
    413: b"413 Content Too Large",
    507: b"507 Insufficient Storage",
}


def limit_request_bodies() -> None:
    """Let Daphne, where this process is one, refuse longer bodies while they still come in."""
    daphne: Any = sys.modules.get("daphne.http_protocol")
    if daphne is None or hasattr(daphne.WebRequest, "body_limit"):
        return

    class BoundedRequest(daphne.WebRequest):  # type: ignore[misc]
        body_limit = LIMIT
        _taken = 0
        _refused = False
        _asked = False
        content: Any
        server: Any

        def gotLength(self, length: int | None) -> None:
            """Twisted: the headers are whole; None where the body's length is not told."""
            path = (self.channel._path or b"").partition(b"?")[0]
            takes_files = self.channel._command == b"POST" and path in FILE_PATHS
            self.body_limit = FILE_LIMIT if takes_files else LIMIT
            reason = 0
            if length is not None and length > self.body_limit:
                reason = 413
            elif length is not None and length > LIMIT and _free() < COPIES * length:
                reason = 507
            super().gotLength(0 if reason else length)
            if reason:
                self._refuse(reason)

        def handleContentChunk(self, data: bytes) -> None:
            """Twisted: some bytes of the body came."""
            self._taken += len(data)
            if self._taken > self.body_limit:
                self._refuse(413)
            elif self._taken > LIMIT and not self._asked:
                self._asked = True
                self._ask()
            if not self._refused:
                super().handleContentChunk(data)

        def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
            """Twisted: the body is whole. What lies on disk is not shown to Twisted, which reads forms into memory."""
            more: dict[str, Any] = {IS_FULL: self._is_full}
            if not self._refused and not isinstance(self.content, io.BytesIO):
                more[BODY], self.content = self.content, io.BytesIO()
            self.server = _Carrier(self.server, more)
            super().requestReceived(command, path, version)

        def process(self) -> Any:
            """Twisted: the request is whole."""
            return None if self._refused else super().process()

        def _is_full(self) -> bool:
            """Whether the client has not taken yet what was sent: Twisted keeps it, however much it is."""
            return self.channel is not None and bool(self.channel._waitingForTransport)

        def _ask(self) -> None:
            """Stop reading until it is known who sends this."""
            named = (self.requestHeaders.getRawHeaders(name) or [] for name in (b"cookie", b"authorization"))
            given = [b"; ".join(values).decode("latin-1") for values in named]
            self.channel._networkProducer.pauseProducing()
            asking = asyncio.ensure_future(asyncio.to_thread(_is_known, *given))
            asking.add_done_callback(self._go_on)

        def _go_on(self, asking: asyncio.Future[bool]) -> None:
            if asking.cancelled() or self.channel is None:
                return
            if asking.exception() is not None:
                log.error("who sends a large body could not be looked up", exc_info=asking.exception())
            self.channel._networkProducer.resumeProducing()
            if asking.exception() is not None or not asking.result():
                self._refuse(401)

        def _refuse(self, status: int) -> None:
            if not self._refused:
                self._refused = True
                head = b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % _REFUSALS[status]
                self.channel.transport.write(head)
                self.channel.loseConnection()

    daphne.WebRequest = BoundedRequest


class _Carrier:
    """Daphne's server for one request, which hands more to the application beside the scope: the body on disk."""

    def __init__(self, server: Any, more: dict[str, Any]) -> None:
        self._server, self._more = server, more

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Daphne's own, with more in the scope."""
        return self._server.create_application(protocol, {**scope, **self._more})


def _is_known(cookie: str, authorization: str) -> bool:
    # Models may be imported only when the application registry is filled, which this module does not wait for.
    from qqconsole.accounts.callers import is_known

    return is_known(cookie, authorization)


def _free() -> int:
    return shutil.disk_usage(tempfile.gettempdir()).free
