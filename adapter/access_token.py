"""QQ's access token for one bot: fetched once for all who need it, renewed before it ends.

QQ answers with the same token until its last 60 s; in those 60 s it gives a new one while the old stays valid
(docs/protocol.md 1.1). So the renewal runs in the background, beside requests that still carry the old token.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from adapter.codes import is_permanent, meaning
from adapter.errors import TokenRefused, TokenUnreachable
from adapter.wire import read_bounded

log = logging.getLogger(__name__)

OVERLAP = 60.0
"""Seconds before its end from which QQ gives the next token."""

TIMEOUT = 10.0
"""Seconds for one fetch."""

_HOLD_BACK = 1.0
"""Seconds after a failed fetch in which the same failure is told again without asking QQ."""


@dataclass(frozen=True, slots=True)
class _Held:
    value: str
    renew_at: float
    ends_at: float


class AccessToken:
    """``session`` gives the HTTP session to ask with; ``clock`` counts seconds. Belongs to one event loop."""

    def __init__(
        self,
        *,
        app_id: str,
        secret: str,
        url: str,
        session: Callable[[], aiohttp.ClientSession],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app_id, self._secret, self._url = app_id, secret, url
        self._session, self._clock = session, clock
        self._held: _Held | None = None
        self._flight: asyncio.Task[str] | None = None
        self._failure: TokenRefused | TokenUnreachable | None = None
        self._failed_at = 0.0
        self._refused = ""
        self._refused_until = 0.0

    async def current(self) -> str:
        """A token that is valid now. Raises TokenRefused, TokenUnreachable."""
        now, held = self._clock(), self._held
        if held is not None and now < held.ends_at:
            if now >= held.renew_at and not self._held_back(now):
                self._launch()
            return held.value
        if self._flight is None and self._failure is not None and self._held_back(now):
            raise self._failure.with_traceback(None)
        flight = self._launch()
        try:
            # Shielded: the one who asked first may be cancelled, the others still wait for the same answer.
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            if flight.cancelled() and not _is_cancelled():
                raise TokenUnreachable("this client was closed") from None
            raise

    def invalidate(self, used: str) -> None:
        """QQ no longer takes ``used``; a token that was fetched since stays.

        Where QQ gives the very same token again it is kept for a second, so that a refused token is not asked
        for with every request.
        """
        if used == self._refused and self._clock() < self._refused_until:
            return
        self._refused = used
        if self._held is not None and self._held.value == used:
            self._held = None

    async def close(self) -> None:
        """Stop a fetch that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    def _held_back(self, now: float) -> bool:
        return self._failure is not None and now - self._failed_at < _HOLD_BACK

    def _launch(self) -> asyncio.Task[str]:
        if self._flight is None:
            self._flight = asyncio.create_task(self._fetch(), name=f"access token of {self.app_id}")
            self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, flight: asyncio.Task[str]) -> None:
        self._flight = None
        if flight.cancelled():
            return
        failure = flight.exception()
        if failure is None:
            self._failure = None
        elif isinstance(failure, TokenRefused | TokenUnreachable):
            self._failure, self._failed_at = failure, self._clock()
            log.warning("no access token for app %s: %s (code %s)", self.app_id, failure, failure.code)

    async def _fetch(self) -> str:
        fields = await self._ask()
        value = fields.get("access_token")
        if not isinstance(value, str) or not value:
            raise _refusal(fields)
        now, life = self._clock(), _life(fields.get("expires_in"))
        renew_in = life - OVERLAP if life > OVERLAP else life / 2
        if value == self._refused:
            self._refused_until = now + _HOLD_BACK
        self._held = _Held(value, renew_at=now + renew_in, ends_at=now + life)
        return value

    async def _ask(self) -> dict[str, Any]:
        try:
            async with self._session().post(
                self._url,
                json={"appId": self.app_id, "clientSecret": self._secret},
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                allow_redirects=False,
            ) as response:
                status, raw = response.status, await read_bounded(response)
        except TimeoutError as error:
            raise TokenUnreachable(f"no answer from the token address in {TIMEOUT:g} s") from error
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            words = "the certificate of the token address does not verify"
            raise TokenUnreachable(words, permanent=True) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
            raise TokenUnreachable("the token address is not an http(s) URL", permanent=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TokenUnreachable(f"the token address cannot be reached ({type(error).__name__})") from error
        except RuntimeError as error:
            raise TokenUnreachable(str(error)) from error
        try:
            fields = json.loads(raw)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise TokenUnreachable(f"the token address answered HTTP {status} without JSON")
        if status >= 500 and "access_token" not in fields and "code" not in fields:
            raise TokenUnreachable(f"the token address answered HTTP {status}")
        return fields


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _life(expires_in: object) -> float:
    """Seconds; QQ sends text, its documentation says a number. Without either: one overlap, the careful guess."""
    try:
        seconds = float(expires_in)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return OVERLAP
    return seconds if 0 < seconds <= 86_400 else OVERLAP


def _refusal(fields: dict[str, Any]) -> TokenRefused:
    """Failures come with HTTP 200, a code and no token (docs/protocol.md 1.1)."""
    try:
        code = int(fields.get("code") or 0) or None
    except (TypeError, ValueError):
        code = None
    words = meaning(code, "en") if code else "QQ's token answer holds no token"
    return TokenRefused(words, code=code, permanent=code is not None and is_permanent(code))
