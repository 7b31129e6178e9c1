"""What a host name means, asked in threads of our own, and only what lies outside of this network.

Whoever names an address names its name servers with it, and those may keep a thread waiting for half a minute. The
loop's own threads, which QQ's name and every file on disk need, are not theirs to take.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

from adapter.addresses import is_inside_address

THREADS = 8


class OwnThreads(AbstractResolver):
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises socket.gaierror where the name is not known."""
        ask = functools.partial(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )
        found = await asyncio.get_running_loop().run_in_executor(self._pool, ask)
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=int(address[1]), family=kind, proto=proto, flags=numeric
            )
            for kind, _, proto, _, address in found
        ]

    async def close(self) -> None:
        """Wait for nobody."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class PublicResolver(AbstractResolver):
    """Of the addresses a name has, only those outside; the connection is made to one of them and to no other."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises InsideName where the name means nothing but inside addresses."""
        found = await self._resolver.resolve(host, port, family)
        outside = [each for each in found if not is_inside_address(each["host"])]
        if not outside:
            raise InsideName(f"the name {host} leads inside a network")
        return outside

    async def close(self) -> None:
        await self._resolver.close()


class InsideName(Exception):
    """A name that leads to inside addresses only. No OSError, which would read as "not there"."""
