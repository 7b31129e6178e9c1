"""Answers go out no faster than they are taken: Daphne would keep a whole file in memory for a slow reader."""

from __future__ import annotations

import asyncio

from qqconsole.bodies_on_disk import Application, Message, Receive, Scope, Send

IS_FULL = "qqconsole.is_full"
"""Where the server (``request_bodies``) leaves the question whether the client has not taken yet what was sent."""

SOON, LATE = 0.001, 0.1
"""Seconds until it is asked again: at first, and at most."""


def waiting_for_readers(application: Application) -> Application:
    """Return ``application``, whose ``send`` returns when there is room for more; at once where nobody can tell."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        is_full = scope.pop(IS_FULL, None)
        if is_full is None:
            await application(scope, receive, send)
            return

        async def send_and_wait(message: Message) -> None:
            await send(message)
            pause = SOON
            while message.get("more_body") and is_full():
                await asyncio.sleep(pause)
                pause = min(2 * pause, LATE)

        await application(scope, receive, send_and_wait)

    return wrapped
