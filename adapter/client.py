"""One bot's client: a request in, one typed answer out.

``QQClient.send`` never raises: whatever the network, QQ or the token does ends in one of ``adapter.answers``.
What cannot have reached QQ (no connection, no token) is Refused; what may have is Unknown.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from adapter.answers import Accepted, Answer, Exchange, InReview, Refused, Throttled, Unknown
from adapter.botpy_door import BotAPI, BotHttp
from adapter.codes import Reaction, known, meaning
from adapter.errors import ApiRefused, ApiUnreachable, TokenRefused, TokenUnreachable
from adapter.limits import Pace
from adapter.reading import Wants, read_answer
from adapter.redaction import redact
from adapter.request import Endpoint, Request
from adapter.wire import ClientClosed, RequestFailed

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who the bot is and where its platform is; ``api_base`` and ``token_url`` are whole http(s) addresses."""

    app_id: str
    secret: str = field(repr=False)
    api_base: str = "https://api.sgroup.qq.com"
    token_url: str = "https://bots.qq.com/app/getAppAccessToken"  # noqa: S105 - an address


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of silence after a request went out; ``connect`` is allowed for making a connection before."""

    message: float = 5.0
    upload: float = 120.0
    connect: float = 5.0


@dataclass(frozen=True, slots=True)
class Me:
    """The bot as QQ knows it."""

    id: str
    name: str
    avatar: str = ""


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """Where events come from. ``remaining`` identifies are left for ``reset_after`` seconds; None: not said."""

    url: str
    shards: int = 1
    remaining: int | None = None
    reset_after: float = 0.0
    max_concurrency: int = 1


_WANTS: Mapping[Endpoint, Wants] = {
    Endpoint.MESSAGE: "message",
    Endpoint.STREAM: "message",
    Endpoint.FILES: "upload",
    Endpoint.PREPARE: "plan",
}
_SLOW = frozenset({Endpoint.FILES, Endpoint.PART_FINISH})


class QQClient:
    """Belongs to one event loop; ``clock`` counts seconds. ``api`` is botpy's, over the same connection."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        pace: Pace | None = None,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        timeouts = timeouts or Timeouts()
        self.credentials = credentials
        self.pace = pace or Pace()
        self.http = BotHttp(
            app_id=credentials.app_id,
            secret=credentials.secret,
            api_base=credentials.api_base,
            token_url=credentials.token_url,
            timeout=timeouts.message,
            connect_timeout=timeouts.connect,
            gate=self._gate,
            clock=clock,
        )
        self.api = BotAPI(http=self.http)
        self._quick = self.http.time_limit(timeouts.message)
        self._slow = self.http.time_limit(timeouts.upload)

    async def send(self, request: Request) -> Answer:
        """One request, one answer, after the pace limiter let it through. Raises only CancelledError."""
        try:
            raw = await self.http.exchange(request, self._slow if request.endpoint in _SLOW else self._quick)
        except RequestFailed as failed:
            return _no_answer(failed)
        except TokenRefused as refused:
            return _no_token(refused)
        except TokenUnreachable as unreachable:
            return Refused(None, unreachable.permanent, Exchange(message=str(unreachable)))
        except ClientClosed as closed:
            return Refused(None, False, Exchange(message=str(closed)))
        except (TypeError, ValueError) as error:
            return Refused(None, True, Exchange(message=f"the request cannot be written: {error}"))
        except Exception as error:
            # Whatever it was, it goes into the chunk's record; the stream must still be closed.
            log.exception("%s %s ended in an error of ours", request.method, request.path)
            return Unknown("error", Exchange(message=redact(f"{type(error).__name__}: {error}")))
        answer = read_answer(
            raw.status,
            raw.headers,
            raw.body,
            elapsed=raw.elapsed,
            wants=_WANTS.get(request.endpoint, "any"),
        )
        if isinstance(answer, Throttled):
            self.pace.throttled(request, answer)
        return answer

    async def me(self) -> Me:
        """GET /users/@me. Raises ApiRefused, ApiUnreachable, TokenRefused, TokenUnreachable."""
        fields = await self._ask("/users/@me")
        if not (identity := fields.get("id")):
            raise ApiUnreachable("/users/@me answered without an id")
        return Me(str(identity), str(fields.get("username") or ""), str(fields.get("avatar") or ""))

    async def gateway_url(self) -> GatewayInfo:
        """GET /gateway/bot, or /gateway where the bot may not ask the first. Raises as ``me``."""
        try:
            fields = await self._ask("/gateway/bot")
        except ApiRefused as refused:
            if refused.http_status not in (404, 405):
                raise
            fields = await self._ask("/gateway")
        url = fields.get("url")
        if not isinstance(url, str) or not url.startswith(("ws://", "wss://")):
            raise ApiUnreachable("the gateway address QQ gave is not a websocket's")
        limit = fields.get("session_start_limit")
        limit = limit if isinstance(limit, dict) else {}
        remaining = _whole(limit.get("remaining"))
        return GatewayInfo(
            url,
            shards=_whole(fields.get("shards")) or 1,
            remaining=remaining,
            reset_after=(_whole(limit.get("reset_after")) or 0) / 1000,
            max_concurrency=_whole(limit.get("max_concurrency")) or 1,
        )

    async def authorization(self) -> str:
        """``QQBot <token>``, as Identify and Resume want it. Raises TokenRefused, TokenUnreachable."""
        return await self.http.authorization()

    def refuse_token(self, authorization: str) -> None:
        """QQ closed with 4004: the token of ``authorization`` is not used again."""
        self.http.source.invalidate(authorization.removeprefix("QQBot "))

    async def open_websocket(self, url: str) -> aiohttp.ClientWebSocketResponse[bool]:
        """The gateway's socket, text frames as bytes. Raises aiohttp.ClientError, OSError, RuntimeError."""
        return await self.http.session.ws_connect(
            url, max_msg_size=16 * 1_048_576, timeout=aiohttp.ClientWSTimeout(ws_close=2.0), decode_text=False
        )

    async def close(self) -> None:
        """End the bot's connections. May be called again."""
        await self.http.close()

    async def _gate(self, endpoint: Endpoint, urgent: bool) -> None:
        await self.pace.wait(endpoint, urgent=urgent)

    async def _ask(self, path: str) -> Mapping[str, Any]:
        request = Request("GET", path, {}, Endpoint.OTHER)
        try:
            raw = await self.http.exchange(request, self._quick)
        except RequestFailed as failed:
            raise ApiUnreachable(f"{path}: {_words(failed.error)}") from failed
        answer = read_answer(raw.status, raw.headers, raw.body, elapsed=raw.elapsed, wants="any")
        exchange = answer.exchange
        match answer:
            case Accepted():
                return answer.data
            case Refused() | Throttled():
                words = meaning(answer.code, "en") if answer.code else exchange.message
                raise ApiRefused(
                    words or f"{path} answered HTTP {raw.status}",
                    code=answer.code,
                    permanent=isinstance(answer, Refused) and answer.permanent,
                    http_status=raw.status,
                    after=answer.after if isinstance(answer, Throttled) else None,
                    trace_id=exchange.trace_id,
                )
            case InReview() | Unknown():
                raise ApiUnreachable(f"{path} answered HTTP {raw.status}", trace_id=exchange.trace_id)


def _no_answer(failed: RequestFailed) -> Answer:
    """No connection: QQ cannot have it. A cut or a time-out afterwards: it may."""
    error = failed.error
    exchange = Exchange(message=_words(error), elapsed=failed.elapsed)
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Refused(None, True, exchange)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return Refused(None, False, exchange)
        case TimeoutError():
            return Unknown("timeout", exchange)
        case _:
            return Unknown("reset", exchange)


def _no_token(refused: TokenRefused) -> Answer:
    exchange = Exchange(http_status=200, code=refused.code, message=str(refused), trace_id=refused.trace_id)
    entry = known(refused.code)
    if entry is not None and entry.reaction is Reaction.THROTTLE:
        return Throttled(None, refused.code, exchange)
    return Refused(refused.code, refused.permanent, exchange)


def _words(error: Exception) -> str:
    """For the operator and the record, without a secret."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            words = "the platform's certificate does not verify"
        case aiohttp.ClientConnectorDNSError():
            words = "the platform's host name is not known"
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            words = "the platform's address is not an http(s) URL"
        case aiohttp.ConnectionTimeoutError():
            words = "no connection to the platform in time"
        case aiohttp.ClientConnectorError():
            words = "the platform refuses the connection"
        case TimeoutError():
            words = "no answer in time"
        case _:
            words = "the connection was cut"
    return redact(f"{words} ({type(error).__name__})")


def _whole(value: object) -> int | None:
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return None
