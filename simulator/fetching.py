"""The platform downloads an address, but none that is inside somebody's network (sheet 5.4, 850026)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urljoin, urlsplit

import aiohttp

from simulator.arriving import Received, Receiving
from simulator.codes import Refusal
from simulator.media_store import HARD_LIMIT
from simulator.platform import Platform

REDIRECTS = 3


async def fetched(url: str, platform: Platform) -> Received:
    """Return what is at `url`; raises 850026 (unreachable, private host), 850027 (too slow) or 850031 (too large).

    The simulator's own address counts as public: what it serves itself, this platform can reach.
    """
    try:
        async with (
            asyncio.timeout(platform.switches.fetch_timeout),
            aiohttp.ClientSession(trust_env=False) as http,
        ):
            for _ in range(REDIRECTS + 1):
                await _refuse_private(url, platform)
                async with http.get(url, allow_redirects=False) as answer:
                    if answer.status in (301, 302, 303, 307, 308) and "Location" in answer.headers:
                        url = urljoin(url, answer.headers["Location"])
                        continue
                    if answer.status != 200:
                        raise Refusal(850026)
                    return await _body(answer)
    except TimeoutError as error:
        raise Refusal(850027) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Refusal(850026) from error
    raise Refusal(850026)


async def _body(answer: aiohttp.ClientResponse) -> Received:
    receiving = Receiving()
    async for piece in answer.content.iter_chunked(65_536):
        receiving.feed(piece)
        if receiving.size > HARD_LIMIT:
            raise Refusal(850031)
    return receiving.done()


async def _refuse_private(url: str, platform: Platform) -> None:
    own = urlsplit(platform.url)
    wanted = urlsplit(url)
    if (wanted.hostname, wanted.port) == (own.hostname, own.port) or platform.switches.fetch_private_hosts:
        return
    host = wanted.hostname or ""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, wanted.port or 80, type=socket.SOCK_STREAM)
    if not all(ipaddress.ip_address(each[4][0]).is_global for each in found):
        raise Refusal(850026)
