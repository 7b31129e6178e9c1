"""Write a script onto a connection as server-sent events, at its pace.

Due times are rounded up to a grid of 5 ms: the timers of many streams then end in one turn of the loop, which
is what makes two hundred of them cheap.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from typing import Any

from aiohttp import web

from simulator.model.answers import Answer
from simulator.model.steps import (
    Cut,
    Fragments,
    Piece,
    RawBytes,
    Script,
    Stall,
    StampedPiece,
    Step,
    Thought,
    ToolCall,
)

GRID = 0.005
GONE_CHECK = 0.2
FINGERPRINT = "fp_simulator"


async def until(due: float) -> None:
    """Sleep until the loop's time `due` in seconds, rounded up to the grid; return at once if it is past."""
    loop = asyncio.get_running_loop()
    due = math.ceil(due / GRID) * GRID
    if due <= loop.time():
        return
    woken: asyncio.Future[None] = loop.create_future()
    timer = loop.call_at(due, _wake, woken)
    try:
        await woken
    finally:
        timer.cancel()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


class Writer:
    """One streamed answer on its connection."""

    def __init__(self, request: web.Request, response: web.StreamResponse, answer: Answer) -> None:
        self._request = request
        self._response = response
        self._answer = answer
        self._about = {
            "id": answer.id,
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": answer.model,
            "system_fingerprint": FINGERPRINT,
        }
        head = json.dumps(self._about, ensure_ascii=False)[:-1]
        self._head = f'data: {head}, "choices": [{{"index": 0, "delta": '.encode()

    def _event(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        tail = f', "logprobs": null, "finish_reason": {json.dumps(finish)}}}]}}\n\n'
        return self._head + (json.dumps(delta, ensure_ascii=False) + tail).encode()

    async def write(self, script: Script, usage: bool) -> None:
        """Write the whole script; raise `ConnectionError` when the client is gone or the script cuts."""
        await self._response.write(self._event({"role": "assistant", "content": "", "refusal": None}))
        due = asyncio.get_running_loop().time()
        for step in script.steps:
            due += step.pause
            await until(due)
            await self._step(step)
        if script.finish is not None:
            await self._response.write(self._event({}, script.finish))
        if usage:
            counted = {**self._about, "choices": [], "usage": usage_of(self._answer)}
            await self._response.write(f"data: {json.dumps(counted)}\n\n".encode())
        if script.done:
            await self._response.write(b"data: [DONE]\n\n")

    async def _step(self, step: Step) -> None:
        answer, response = self._answer, self._response
        match step:
            case Piece(text):
                answer.wrote(text)
                await response.write(self._event({"content": text}))
            case StampedPiece():
                text = step.text_at(time.monotonic())
                answer.wrote(text)
                await response.write(self._event({"content": text}))
            case Thought(text):
                answer.reasoning.append(text)
                await response.write(self._event({"content": None, "reasoning_content": text}))
            case ToolCall():
                await self._call(step)
            case RawBytes(data):
                await response.write(data)
            case Fragments(text, size):
                answer.wrote(text)
                event = self._event({"content": text})
                for at in range(0, len(event), size):
                    await response.write(event[at : at + size])
                    await asyncio.sleep(0)
            case Stall():
                await self._stall()
            case Cut():
                await self._cut()

    async def _call(self, call: ToolCall) -> None:
        called = {
            "id": f"call_{self._answer.id[-12:].replace('-', '_')}_{self._answer.turn}_{call.index}",
            "name": call.name,
            "arguments": "".join(call.arguments),
        }
        self._answer.tool_calls.append(called)
        function: dict[str, str] = {"name": call.name, "arguments": ""}
        opening = {"index": call.index, "id": called["id"], "type": "function", "function": function}
        await self._response.write(self._event({"tool_calls": [opening]}))
        due = asyncio.get_running_loop().time()
        for part in call.arguments:
            due += 0.02
            await until(due)
            more = {"index": call.index, "function": {"arguments": part}}
            await self._response.write(self._event({"tool_calls": [more]}))

    async def _stall(self) -> None:
        while True:
            transport = self._request.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the client gave up")
            await asyncio.sleep(GONE_CHECK)

    async def _cut(self) -> None:
        await self._response.write(self._event({"content": "前面那家"})[:-20])
        transport = self._request.transport
        if transport is not None:
            transport.abort()
        raise ConnectionAbortedError("cut by the script")


def usage_of(answer: Answer) -> dict[str, int]:
    """Return OpenAI's usage object, counting a delta as a token."""
    prompt, completion = max(1, len(answer.user_text) // 2), len(answer.pieces) + len(answer.reasoning)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
