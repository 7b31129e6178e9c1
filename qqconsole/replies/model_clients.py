"""One client of the openai package for each model server and key, kept alive between replies.

The package's aiohttp transport costs half the CPU of its default one (docs/decisions/0003-reading-the-model.md).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakKeyDictionary

import httpx2
import openai

CONNECT_TIMEOUT = 10.0
KEPT_ALIVE = 30.0
LONGEST_REFUSAL = 65_536
"""Bytes on the wire that are read of an answer that is no success; a failure quotes a few hundred characters."""

# A client's connections belong to the loop they were opened on.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], openai.AsyncOpenAI]]
_clients = WeakKeyDictionary()


def model_client(url: str, key: str) -> openai.AsyncOpenAI:
    """Return the running loop's client for this server and key. Raises httpx2.InvalidURL for an impossible one."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    client = clients.get((url, key))
    if client is None:
        client = clients[url, key] = _made(url, key)
    return client


async def close_clients() -> None:
    """Close every client of the running loop."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.close()


def base_url(url: str) -> str:
    """Return the address the openai package wants: ``http://host`` and ``…/v1/chat/completions`` mean ``…/v1``."""
    parts = urlsplit(url.strip())
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return urlunsplit((parts.scheme, parts.netloc, path or "/v1", parts.query, ""))


def without_key() -> dict[str, openai.Omit]:
    """Return the headers of a request to a server that wants no key: the package insists on being told."""
    return {"Authorization": openai.omit}


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Reading the machine's certificates takes some 20 ms, too long for every bot's first reply."""
    return httpx2.create_ssl_context()


def _made(url: str, key: str) -> openai.AsyncOpenAI:
    # Every time-out but the connection's is the source's own (silence counts from the last word, not the last byte).
    timeout = httpx2.Timeout(None, connect=CONNECT_TIMEOUT)
    # No limit of our own: a stream holds its connection for minutes, and the engine decides how many there are.
    limits = httpx2.Limits(max_connections=100_000, max_keepalive_connections=100, keepalive_expiry=KEPT_ALIVE)
    client = openai.AsyncOpenAI(
        base_url=base_url(url),
        api_key=key or "none",
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(
            timeout=timeout,
            limits=limits,
            verify=_trusted(),
            # A redirect would carry the key and the user's words to a place nobody entered.
            follow_redirects=False,
            event_hooks={"response": [_shorten_refusal]},
        ),
    )
    # The package reads these from the environment, and would tell them to any server.
    client.organization = client.project = None
    return client


async def _shorten_refusal(response: httpx2.Response) -> None:
    """The package reads the whole body of a refusal into memory: let it end early."""
    if not response.is_success and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Beginning(response.stream)


class _Beginning(httpx2.AsyncByteStream):
    """The first ``LONGEST_REFUSAL`` bytes of a body, and a little more."""

    def __init__(self, whole: httpx2.AsyncByteStream) -> None:
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for piece in self._whole:
            yield piece
            taken += len(piece)
            if taken > LONGEST_REFUSAL:
                return

    async def aclose(self) -> None:
        await self._whole.aclose()
