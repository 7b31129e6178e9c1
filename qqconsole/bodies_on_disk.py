"""Request bodies that wait on disk: the application gets them piece by piece, as if they had just come in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

BODY = "qqconsole.body"
"""Where the server (``request_bodies``) leaves the file in the scope; no header of a request gets there."""

STRIDE = 1024 * 1024

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def reading_bodies_from_disk(application: Application) -> Application:
    """Return ``application``, given its body from the file where there is one. The file is closed when it ends."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        body = scope.pop(BODY, None)
        if body is None:
            await application(scope, receive, send)
            return
        # The server's first message says that there is no body, or that nobody waits for an answer any more.
        first = await receive()
        is_whole = False

        async def from_disk() -> Message:
            nonlocal is_whole
            if first["type"] == "http.disconnect":
                return first
            if is_whole:
                return await receive()
            data = await asyncio.to_thread(body.read, STRIDE)
            is_whole = len(data) < STRIDE
            return {"type": "http.request", "body": data, "more_body": not is_whole}

        try:
            body.seek(0)
            await application(scope, from_disk, send)
        finally:
            body.close()

    return wrapped
