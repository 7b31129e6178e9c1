"""The only file that knows botpy (1.2.1, unmaintained since 2024): its faults stop here.

Mended here, each pinned by tests/adapter/test_botpy_quirks.py: importing it changes the root logger, runs a
shell and reads ``-d`` from the command line; its token has no lock, no early renewal and one address for the
whole process; its HTTP does not verify TLS, opens a connection a request, builds one host for the whole process
without encoding ids, loses codes and trace ids, returns None on a time-out, and logs the Authorization header.
Kept: ``BotAPI`` (over our ``BotHttp``), ``Intents``, ``Client``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from adapter.access_token import AccessToken
from adapter.answers import Refused, Throttled, Unknown
from adapter.codes import meaning
from adapter.errors import ApiRefused, ApiUnreachable
from adapter.reading import read_answer
from adapter.request import Endpoint, Request, endpoint_of
from adapter.wire import ClientClosed, RawAnswer, RequestFailed, blames_token, encode, read_bounded, url_of


@contextlib.contextmanager
def _without_side_effects() -> Iterator[None]:
    """botpy.logging configures the root logger, runs ``os.system("")`` and looks for ``-d`` when imported."""
    basic_config, system, argv = logging.basicConfig, os.system, sys.argv
    logging.basicConfig = lambda **_: None
    os.system = lambda _: 0  # type: ignore[assignment]
    sys.argv = argv[:1]
    try:
        yield
    finally:
        logging.basicConfig, os.system, sys.argv = basic_config, system, argv


_level = logging.getLogger("botpy").level

with _without_side_effects():
    import botpy.api
    import botpy.client
    import botpy.flags
    import botpy.http
    import botpy.robot

# Its debug lines hold the Authorization header and the identify payload. An application may have muted it further.
logging.getLogger("botpy").setLevel(max(logging.INFO, _level))

Intents = botpy.flags.Intents
Route = botpy.http.Route
BotAPI = botpy.api.BotAPI

_KEEP_ALIVE = 20.0
"""Seconds an idle connection is kept: longer than a stream's pauses, shorter than servers usually wait."""

Gate = Callable[[Endpoint, bool], Awaitable[None]]


class Token(botpy.robot.Token):  # type: ignore[misc]
    """botpy's Token over ``AccessToken``: one fetch for all, renewed early, from this bot's own address."""

    def __init__(self, source: AccessToken, *, app_id: str, secret: str) -> None:
        super().__init__(app_id, secret)
        self._source = source

    async def check_token(self) -> None:
        """Make ``access_token`` valid. Raises TokenRefused, TokenUnreachable."""
        self.access_token = await self._source.current()

    async def update_access_token(self) -> None:
        """Fetch anew, whatever is held. Raises as ``check_token``."""
        self.drop()
        await self.check_token()

    def drop(self) -> None:
        """QQ refused the token last given out (401, close 4004)."""
        if self.access_token:
            self._source.invalidate(self.access_token)


class BotHttp(botpy.http.BotHttp):  # type: ignore[misc]
    """All HTTP of one bot: one keep-alive session with verified TLS, this bot's host, one resend after a 401.

    ``gate`` is awaited just before each request leaves. Belongs to one event loop.
    """

    def __init__(
        self,
        *,
        app_id: str,
        secret: str,
        api_base: str,
        token_url: str,
        timeout: float = 5.0,
        connect_timeout: float = 5.0,
        gate: Gate | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(timeout=timeout, app_id=app_id, secret=secret)
        self.api_base = api_base.rstrip("/")
        self.source = AccessToken(
            app_id=app_id, secret=secret, url=token_url, session=lambda: self.session, clock=clock
        )
        self._token = Token(self.source, app_id=app_id, secret=secret)
        self._session: aiohttp.ClientSession | None = None
        self._gate = gate
        self._connect_timeout = connect_timeout
        self._closed = False

    def __del__(self) -> None:
        """botpy's asks for an event loop at garbage collection; ``close`` is the way."""

    @property
    def session(self) -> aiohttp.ClientSession:
        """The one session of this bot. Raises ClientClosed after ``close``."""
        if self._closed:
            raise ClientClosed("this client is closed")
        if self._session is None:
            # limit=0: 200 streams have 200 requests in flight; the pace limiter is what bounds them.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "qqconsole"},
            )
        return self._session

    async def close(self) -> None:
        """End every connection; requests under way fail. May be called again."""
        self._closed = True
        await self.source.close()
        if self._session is not None:
            await self._session.close()

    async def check_session(self) -> None:
        """botpy's hook before each request. Raises TokenRefused, TokenUnreachable."""
        await self._token.check_token()

    async def authorization(self) -> str:
        """The header's value, also wanted by Identify and Resume. Raises TokenRefused, TokenUnreachable."""
        return f"QQBot {await self.source.current()}"

    def time_limit(self, seconds: float) -> aiohttp.ClientTimeout:
        """``seconds`` of silence after the request went out; a slow connection has its own allowance before."""
        return aiohttp.ClientTimeout(
            total=seconds + self._connect_timeout, connect=self._connect_timeout, sock_read=seconds
        )

    async def exchange(
        self,
        request: Request,
        limit: aiohttp.ClientTimeout,
        *,
        form: aiohttp.FormData | None = None,
        query: dict[str, str] | None = None,
    ) -> RawAnswer:
        """Send ``request``, once more with a fresh token after a 401 that blames the token.

        Raises RequestFailed, TokenRefused, TokenUnreachable; TypeError or ValueError for a body that JSON
        cannot hold, ClientClosed.
        """
        body = encode(request.body) if form is None and (request.body or request.method != "GET") else None
        address = url_of(self.api_base, request.path)
        if query:
            address = address.with_query(query)
        token = await self.source.current()
        answer = await self._once(request, address, form or body, token, limit)
        if form is None and blames_token(answer):
            self.source.invalidate(token)
            token = await self.source.current()
            answer = await self._once(request, address, body, token, limit)
        return answer

    async def _once(
        self,
        request: Request,
        address: URL,
        data: bytes | aiohttp.FormData | None,
        token: str,
        limit: aiohttp.ClientTimeout,
    ) -> RawAnswer:
        headers = {"Authorization": f"QQBot {token}", "X-Union-Appid": self.source.app_id}
        if isinstance(data, bytes):
            # Exact: botpy and simulators compare the whole value.
            headers["Content-Type"] = "application/json"
        if self._gate is not None:
            await self._gate(request.endpoint, request.urgent)
        started = time.perf_counter()
        try:
            async with self.session.request(
                request.method, address, data=data, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                body = await read_bounded(response)
        except (aiohttp.ClientError, OSError) as error:
            raise RequestFailed(error, time.perf_counter() - started) from error
        return RawAnswer(response.status, response.headers, body, time.perf_counter() - started)

    async def request(self, route: Any, retry_time: int = 0, **kwargs: Any) -> Any:
        """What ``BotAPI`` calls. Returns QQ's JSON object, None where it sent none.

        Nulls and the path's ids are taken out of the body. Raises ApiRefused, ApiUnreachable, TokenRefused,
        TokenUnreachable; never None for a time-out, never a bare ServerError.
        """
        path = route.path.format_map({name: quote(str(v), safe="") for name, v in route.parameters.items()})
        body, form = _body_of(kwargs.get("json"), route.parameters)
        request = Request(route.method, path, body, endpoint_of(route.method, path))
        try:
            raw = await self.exchange(
                request, self.time_limit(self.timeout), form=form, query=_query_of(kwargs.get("params"))
            )
        except RequestFailed as failed:
            raise ApiUnreachable(f"{route.method} {route.path}: {failed}") from failed
        answer = read_answer(raw.status, raw.headers, raw.body, elapsed=raw.elapsed, wants="any")
        if isinstance(answer, Refused | Throttled):
            exchange = answer.exchange
            raise ApiRefused(
                exchange.message or meaning(answer.code, "en"),
                code=answer.code,
                permanent=isinstance(answer, Refused) and answer.permanent,
                http_status=exchange.http_status,
                after=answer.after if isinstance(answer, Throttled) else None,
                trace_id=exchange.trace_id,
            )
        if isinstance(answer, Unknown):
            raise ApiUnreachable(f"{route.method} {route.path}: HTTP {raw.status}", trace_id=answer.exchange.trace_id)
        return json.loads(raw.body) if raw.body.strip() else None

    async def login(self, token: Any = None) -> Any:
        """botpy's Client logs in with a Token of its own making: ours stays. Returns /users/@me."""
        return await self.request(Route("GET", "/users/@me"))


class Client(botpy.client.Client):  # type: ignore[misc]
    """botpy's Client on our ``BotHttp``. Create it inside the running loop that is to carry it."""

    def __init__(self, intents: Any, http: BotHttp) -> None:
        super().__init__(intents, ext_handlers=False)
        self.http = http
        self.api = BotAPI(http=http)


def _body_of(fields: Any, parameters: dict[str, Any]) -> tuple[dict[str, Any], aiohttp.FormData | None]:
    if not isinstance(fields, dict):
        return {}, None
    body = {
        name: value
        for name, value in fields.items()
        if value is not None and not (name in parameters and parameters[name] == value)
    }
    if not isinstance(body.get("file_image"), bytes):
        return body, None
    form = aiohttp.FormData()
    for name, value in body.items():
        if isinstance(value, bytes):
            form.add_field(name, value, filename=name)
        elif not isinstance(value, dict):
            form.add_field(name, str(value))
    return {}, form


def _query_of(params: Any) -> dict[str, str] | None:
    return {name: str(value) for name, value in params.items() if value is not None} if params else None
