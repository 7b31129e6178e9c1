"""A model server that misbehaves as told: a bare socket, so that every byte on the wire is the test's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def event(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Return one chat.completion.chunk as a server-sent event."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice], **more}, ensure_ascii=False).encode() + b"\n\n"


def words(text: str) -> bytes:
    """Return an event that says ``text``."""
    return event({"content": text})


def call(arguments: str, *, name: str = "send_media", index: int | None = 0, id: str = "call_1") -> bytes:
    """Return an event with a tool call, or with more of its arguments."""
    called = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return event({"tool_calls": [called if index is None else {"index": index, **called}]})


END = event(finish="stop") + DONE
CALLED = event(finish="tool_calls") + DONE


@dataclass(frozen=True)
class Answer:
    """What a request gets: these bytes, each part in a write of its own; then the end, or silence."""

    parts: tuple[bytes, ...]
    hangs: bool = False
    resets: bool = False


def answer(*parts: bytes, hangs: bool = False, resets: bool = False) -> Answer:
    """Return an answer of an event stream with these parts."""
    return Answer((STREAM, *parts), hangs, resets)


def bare(*parts: bytes) -> Answer:
    """Return an answer of exactly these bytes, HTTP head included."""
    return Answer(parts)


@dataclass
class OddModel:
    """What was asked of the server, and whether a client left it in the middle."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in answer.parts:
            writer.write(part)
            await writer.drain()
        if answer.hangs:
            await reader.read()
            self.left.set()
        if answer.resets:
            writer.transport.abort()


@asynccontextmanager
async def odd_model(*answers: Answer) -> AsyncIterator[OddModel]:
    """Serve the answers, one a request; the last one again and again. None at all: no one listens there."""
    model = OddModel()
    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
            model.heads.append(head)
            model.asked.append(json.loads(await reader.readexactly(int(fields["content-length"]))))
            model.reached.set()
            await model.answer(answers[min(len(model.asked), len(answers)) - 1], reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    if not answers:
        server.close()
    try:
        yield model
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await server.wait_closed()
