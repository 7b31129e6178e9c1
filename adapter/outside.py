"""Requests of ours to addresses that others named: a message, a model, an API caller, or QQ with its upload addresses.

None of them may reach into the network this process stands in. So the address is looked at, what its name means is
looked at too, and the connection goes to the very IP address that was looked at: a name that means something else a
moment later changes nothing. Redirects of a fetch are followed by hand, each looked at like the first; a PUT follows
none. What comes is bounded in bytes and in time. ``allow_private`` (the owner's own word) lifts only the first rule.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from yarl import URL

from adapter.addresses import check_address
from adapter.answers import Accepted, Answer, Exchange, Refused, Unknown
from adapter.errors import AddressRefused
from adapter.lookups import InsideName, OwnThreads, PublicResolver
from adapter.storage_answers import read_storage_answer

HARD_LIMIT = 200 * 1_048_576
"""Bytes of one file that QQ takes at most (sheet 5.2)."""

REDIRECTS = 5
_GOES_ON = (301, 302, 303, 307, 308)
_STRIDE = 1_048_576
"""Bytes gathered before they are written to disk."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds, and bytes a second."""

    connect: float = 10.0
    silence: float = 20.0
    """Without a byte while a file comes in."""
    whole: float = 300.0
    """For one fetch with all its redirects."""
    slowest: float = 16_384.0
    """Bytes a second, on the average after ``silence``, below which a sender is cut off."""


@dataclass(frozen=True, slots=True)
class Fetched:
    size: int
    content_type: str
    """As the other side says, so not to be believed."""
    name: str
    """From its Content-Disposition or the address; may hold anything but a slash."""


class Outside:
    """Belongs to one event loop; ``close`` it there. One for a whole process is enough."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """End the connections. May be called again."""
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()

    async def fetch(
        self, url: str, into: Path, *, limit: int = HARD_LIMIT, allow_private: bool = False
    ) -> tuple[Answer, Fetched | None]:
        """Write what lies at ``url`` to the new file ``into``, at most ``limit`` bytes; on any failure no file is left.

        ``Accepted`` with what was fetched; ``Refused`` where it cannot be had (permanent: nor later), ``Unknown``
        where the connection broke or nothing came in time.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._patience.whole):
                fetched, status = await self._fetch(url, into, limit, allow_private)
        except Exception as error:  # noqa: BLE001 - it becomes the chunk's answer
            return _answer_to(error, time.perf_counter() - started), None
        exchange = Exchange(http_status=status, elapsed=time.perf_counter() - started)
        return Accepted("", {"size": fetched.size}, exchange), fetched

    async def put(
        self, url: str, body: AsyncIterable[bytes], size: int, *, silence: float = 60.0, allow_private: bool = False
    ) -> Answer:
        """PUT ``size`` bytes to a presigned address, without any header of ours that says who we are.

        ``silence``: seconds the answer may take once all is out. ``body`` is read once. What reading it raises ends the
        PUT, which is then ``Unknown``.
        """
        started = time.perf_counter()
        patience = self._patience
        limit = aiohttp.ClientTimeout(
            total=silence + size / patience.slowest, sock_connect=patience.connect, sock_read=silence
        )
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        try:
            check_address(url, allow_private)
            session = self._session(allow_private)
            address = URL(url, encoded=True)
            async with session.put(
                address, data=_Flow(body), headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                words = await response.content.read(4_096)
                return read_storage_answer(response.status, words, elapsed=time.perf_counter() - started)
        except Exception as error:  # noqa: BLE001 - it becomes the chunk's answer
            return _answer_to(error, time.perf_counter() - started)

    async def _fetch(self, url: str, into: Path, limit: int, allow_private: bool) -> tuple[Fetched, int]:
        for _ in range(REDIRECTS + 1):
            check_address(url, allow_private)
            async with self._get(url, allow_private) as response:
                target = response.headers.get("Location")
                if response.status in _GOES_ON and target:
                    url = urljoin(url, target)
                    continue
                if response.status != 200:
                    raise _Unfit(f"the address answered HTTP {response.status}", status=response.status)
                if (response.content_length or 0) > limit:
                    raise _Unfit(f"the file is over {limit} bytes", status=200)
                size = await self._write(response, into, limit)
                return Fetched(size, response.content_type, _name(response)), response.status
        raise _Unfit(f"the address leads on more than {REDIRECTS} times")

    @asynccontextmanager
    async def _get(self, url: str, allow_private: bool) -> AsyncIterator[aiohttp.ClientResponse]:
        patience = self._patience
        limit = aiohttp.ClientTimeout(total=None, sock_connect=patience.connect, sock_read=patience.silence)
        session = self._session(allow_private)
        headers = {"Accept-Encoding": "identity"}
        async with session.get(url, timeout=limit, headers=headers, allow_redirects=False) as response:
            yield response

    async def _write(self, response: aiohttp.ClientResponse, into: Path, limit: int) -> int:
        started, size, held = time.perf_counter(), 0, bytearray()
        file = await asyncio.to_thread(into.open, "xb")
        try:
            with file:
                async for piece in response.content.iter_any():
                    size += len(piece)
                    if size > limit:
                        raise _Unfit(f"the file is over {limit} bytes", status=200)
                    elapsed = time.perf_counter() - started
                    if elapsed > self._patience.silence and size < elapsed * self._patience.slowest:
                        raise _Unfit("the address sends too slowly", status=200)
                    held += piece
                    if len(held) >= _STRIDE:
                        await asyncio.to_thread(_put_away, file, held)
                await asyncio.to_thread(_put_away, file, held)
        except BaseException:
            _discard(into)
            raise
        return size

    def _session(self, allow_private: bool) -> aiohttp.ClientSession:
        if allow_private not in self._sessions:
            resolver = OwnThreads()
            self._sessions[allow_private] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=resolver if allow_private else PublicResolver(resolver), use_dns_cache=False, limit=0
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "qqconsole"},
                trust_env=False,
            )
        return self._sessions[allow_private]


class _Flow(Payload):
    """A request's body that is read while it leaves, once: aiohttp repeats no PUT of it behind our back."""

    def __init__(self, body: AsyncIterable[bytes]) -> None:
        super().__init__(body, content_type="application/octet-stream")

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a body that flows is not text")

    @property
    def consumed(self) -> bool:
        return True

    async def write(self, writer: AbstractStreamWriter) -> None:
        async for piece in self._value:
            await writer.write(piece)


class _Unfit(Exception):
    """It answered, and what it answered is no use. A rate limit or a 5xx may be another answer later."""

    def __init__(self, words: str, *, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.permanent = status is None or (status < 500 and status not in (408, 425, 429))


def _answer_to(error: Exception, elapsed: float) -> Answer:
    """In words of ours: aiohttp's name the whole address, and a presigned one is a credential."""
    match error:
        case AddressRefused() | InsideName():
            return Refused(None, True, Exchange(message=str(error), elapsed=elapsed))
        case _Unfit():
            return Refused(None, error.permanent, Exchange(http_status=error.status, message=str(error)[:200]))
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Refused(None, True, Exchange(message="this is no http(s) address", elapsed=elapsed))
        case aiohttp.ClientConnectorCertificateError():
            return Refused(None, True, Exchange(message="the other side's certificate does not verify"))
        case aiohttp.ClientConnectorDNSError():
            return Refused(None, False, Exchange(message="the address's host name is not known", elapsed=elapsed))
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return Refused(None, False, Exchange(message="no connection to the address", elapsed=elapsed))
        case TimeoutError():
            return Unknown("timeout", Exchange(message="no answer in time", elapsed=elapsed))
        case aiohttp.ClientPayloadError():
            return Unknown("reset", Exchange(message="fewer bytes came than were announced", elapsed=elapsed))
        case aiohttp.ClientError():
            return Unknown("reset", Exchange(message="the connection was cut", elapsed=elapsed))
        case OSError():
            words = f"the file cannot be kept: {error.strerror or type(error).__name__}"
            return Refused(None, False, Exchange(message=words, elapsed=elapsed))
        case _:
            return Unknown("error", Exchange(message=type(error).__name__, elapsed=elapsed))


def _put_away(file: BinaryIO, held: bytearray) -> None:
    file.write(held)
    held.clear()


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)


def _name(response: aiohttp.ClientResponse) -> str:
    head = Message()
    head["content-disposition"] = response.headers.get("Content-Disposition", "")
    found = head.get_filename() or unquote(urlsplit(str(response.url)).path)
    return found.replace("\\", "/").rpartition("/")[2]
