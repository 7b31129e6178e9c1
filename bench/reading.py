"""What reading the model costs: the openai package's own way, its bytes read by us, and a bare aiohttp loop.

CPU of the reading process for each delta, against the simulator's model in a process of its own. The decision this
carries is docs/decisions/0003-reading-the-model.md.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import aiohttp
import httpx2
import openai

from adapter.pieces import Text
from bench.platform import Platform, platform
from bench.streams import Load
from qqconsole.replies.request import ReplyRequest
from qqconsole.replies.sources import close_sources, open_source

Reader = Callable[[], Awaitable[int]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0, 30.0], help="deltas a second of each stream")
    parser.add_argument("--seconds", type=float, default=8.0)


async def run(given: argparse.Namespace) -> int:
    """Measure each way at each rate; return 0."""
    async with platform() as sim:
        for rate in given.rates:
            load = Load(given.streams, rate, int(rate * given.seconds), ramp=1.0)
            print(f"{load.streams} streams, {rate:g} deltas a second each")
            for name, way in (("the package, its default client", _packaged), ("the package, on aiohttp", _on_aiohttp),
                              ("our source", _ours), ("a bare aiohttp loop", _bare)):  # fmt: skip
                print(f"  {name:36}{await _measured(sim, load, way):7.3f} ms a delta", flush=True)
    return 0


async def _measured(sim: Platform, load: Load, way: Callable[[str, str], tuple[Reader, Reader]]) -> float:
    read, close = way(f"{sim.url}/v1", load.model)
    await read()

    async def one(number: int) -> int:
        await asyncio.sleep(load.begins(number))
        return await read()

    before = time.process_time()
    deltas = sum(await asyncio.gather(*map(one, range(load.streams))))
    spent = time.process_time() - before
    await close()
    if deltas != load.streams * load.pieces:
        raise RuntimeError(f"{deltas} deltas were read of {load.streams * load.pieces}")
    return spent / deltas * 1000


def _client(url: str, http: httpx2.AsyncClient) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=url, api_key="bench", max_retries=0, http_client=http)


def _by_package(client: openai.AsyncOpenAI, model: str) -> tuple[Reader, Reader]:
    async def read() -> int:
        deltas = 0
        message: Any = {"role": "user", "content": "bench"}
        stream = await client.chat.completions.create(model=model, messages=[message], stream=True)
        async for chunk in stream:
            deltas += bool(chunk.choices and chunk.choices[0].delta.content)
        return deltas

    async def close() -> int:
        await client.close()
        return 0

    return read, close


LIMITS = httpx2.Limits(max_connections=10_000, max_keepalive_connections=10_000)


def _packaged(url: str, model: str) -> tuple[Reader, Reader]:
    return _by_package(_client(url, openai.DefaultAsyncHttpxClient(limits=LIMITS)), model)


def _on_aiohttp(url: str, model: str) -> tuple[Reader, Reader]:
    return _by_package(_client(url, openai.DefaultAioHttpClient(limits=LIMITS)), model)


def _ours(url: str, model: str) -> tuple[Reader, Reader]:
    request = ReplyRequest(source="openai", url=url, model=model, key="bench", user_text="bench")

    async def read() -> int:
        async with aclosing(open_source(request)) as source:
            return len([piece async for piece in source if isinstance(piece, Text)])

    async def close() -> int:
        await close_sources()
        return 0

    return read, close


def _bare(url: str, model: str) -> tuple[Reader, Reader]:
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "bench"}]}

    async def read() -> int:
        deltas = 0
        async with http.post(f"{url}/chat/completions", json=body) as answer:
            while chunk := await answer.content.readany():
                deltas += chunk.count(b'"delta": {"content": "[')
        return deltas

    async def close() -> int:
        await http.close()
        return 0

    return read, close
