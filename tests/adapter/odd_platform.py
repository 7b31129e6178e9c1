"""A platform on a real socket that answers exactly what a test tells it to, however odd."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapter.client import Credentials, Timeouts

QUICK = Timeouts(message=0.2, upload=0.5, connect=0.3)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


def reply(body: object, status: int = 200, **headers: str) -> web.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return web.Response(body=raw, status=status, headers={"Content-Type": "application/json", **headers})


async def never(_: web.Request) -> web.StreamResponse:
    """Hold the request and say nothing."""
    await asyncio.Event().wait()
    raise AssertionError


@dataclass
class Platform:
    """``answers`` are used up in order, the last one stays; a callable is asked."""

    url: str = ""
    token_answers: list[Any] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    tokens_given: int = 0
    seen: list[Seen] = field(default_factory=list)
    before_token: Callable[[], Awaitable[None]] | None = None

    @property
    def credentials(self) -> Credentials:
        return Credentials("app-1", "hush-hush", self.url, f"{self.url}/token")

    async def token(self, request: web.Request) -> web.StreamResponse:
        self.tokens_given += 1
        number = self.tokens_given
        assert await request.json() == {"appId": "app-1", "clientSecret": "hush-hush"}
        if self.before_token:
            await self.before_token()
        if self.token_answers:
            answer = self.token_answers.pop(0) if len(self.token_answers) > 1 else self.token_answers[0]
            return answer if isinstance(answer, web.Response) else reply(answer)
        return reply({"access_token": f"token-{number}", "expires_in": "7200"})

    async def api(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.seen.append(Seen(request.method, request.raw_path, dict(request.headers), raw))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0] if self.answers else {"id": "m"}
        if callable(answer):
            response: web.StreamResponse = await answer(request)
            return response
        return answer if isinstance(answer, web.Response) else reply(answer)


async def serve() -> AsyncIterator[Platform]:
    one = Platform()
    app = web.Application(client_max_size=64 * 1_048_576)
    app.router.add_post("/token", one.token)
    app.router.add_route("*", "/{path:.*}", one.api)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield one
    finally:
        await runner.cleanup()
