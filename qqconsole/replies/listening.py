"""The I/O of one model request: open the stream, wait for its events, close it whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

import httpx2
import openai

from qqconsole.replies.event_stream import EventStream, TooLong, WholeBody
from qqconsole.replies.failures import CONNECTION_ERRORS, ModelFailed, from_opening, from_reading
from qqconsole.replies.model_clients import without_key
from qqconsole.replies.model_turn import Heard, ModelTurn
from qqconsole.replies.patience import Patience

TAIL = 0.2
"""Seconds the end of a stream is waited for once the model has finished: read to it, the connection is kept."""


async def listen(
    client: openai.AsyncOpenAI, body: dict[str, Any], turn: ModelTurn, *, silence: float
) -> AsyncGenerator[Heard, None]:
    """Ask the model and yield what it says as it says it; ``turn`` holds the rest afterwards.

    ``silence``: seconds without a word, a thought or a piece of a tool call after which it counts as silent; the
    time the consumer takes between two of them does not count, and comments that keep the connection alive do not
    either. Raises ModelFailed. Closing the generator closes the connection at once.
    """
    async with AsyncExitStack() as stack:
        response = await _opened(stack, client, body, turn.key, silence)
        events = _decoder(response)
        reads = await stack.enter_async_context(aclosing(response.aiter_bytes()))
        patience = Patience()
        stack.callback(patience.close)
        loop = asyncio.get_running_loop()
        until, finishing = loop.time() + silence, False
        while (received := await _next(reads, patience, until, turn, silence)) is not None:
            try:
                whole = events.feed(received)
            except TooLong:
                raise ModelFailed("model_garbled", "one event of the stream is longer than 16 MB") from None
            spoke = False
            for data in whole:
                for heard in turn.read(data):
                    spoke = True
                    yield heard
            if turn.finished and not finishing:
                until, finishing = loop.time() + TAIL, True
            elif spoke and not finishing:
                until = loop.time() + silence
        for heard in _last_words(events, turn):
            yield heard
    if not turn.finished:
        raise ModelFailed("model_cut", "the stream ended before the model had finished")
    for heard in turn.end():
        yield heard


async def _opened(
    stack: AsyncExitStack, client: openai.AsyncOpenAI, body: dict[str, Any], key: str, silence: float
) -> httpx2.Response:
    """Return the begun answer; ``stack`` closes it. Asks once more where that may help."""
    options: Any = {} if key else {"headers": without_key()}
    for again in (True, False):
        # Past the package's typed front: it would walk the messages through a schema, and build an object a delta.
        asking = client.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            body={**body, "stream": True},
            options=options,
            stream=True,
            stream_cls=openai.AsyncStream[Any],
        )
        try:
            async with asyncio.timeout(silence):
                response = cast(httpx2.Response, await asking)
                stack.push_async_callback(response.aclose)
                return response
        except TimeoutError:
            raise _silent(silence) from None
        except CONNECTION_ERRORS as error:
            failed = from_opening(error, key=key)
        if failed.pause is None or not again:
            raise failed
        await asyncio.sleep(failed.pause)
    raise AssertionError("unreachable")


def _decoder(response: httpx2.Response) -> EventStream | WholeBody:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise ModelFailed("model_garbled", f"the address answers with a web page ({kind}), not with a model's words")
    return WholeBody() if kind == "application/json" else EventStream()


async def _next(
    reads: AsyncGenerator[bytes, None], patience: Patience, until: float, turn: ModelTurn, silence: float
) -> bytes | None:
    """Return the next bytes, or None at the end. Once the model has finished, nothing more can go wrong."""
    try:
        return await patience.wait(reads.__anext__(), until)
    except StopAsyncIteration:
        return None
    except TimeoutError:
        failed = _silent(silence)
    except CONNECTION_ERRORS as error:
        failed = from_reading(error, key=turn.key)
    if turn.finished:
        return None
    raise failed


def _last_words(events: EventStream | WholeBody, turn: ModelTurn) -> list[Heard]:
    """Return what an unclosed last event says; of one that was cut in the middle, nothing."""
    heard: list[Heard] = []
    for data in events.finish():
        try:
            heard += turn.read(data)
        except ModelFailed as failed:
            if isinstance(events, WholeBody) or failed.reason != "model_garbled":
                raise
    if isinstance(events, WholeBody):
        turn.done = True
    return heard


def _silent(silence: float) -> ModelFailed:
    return ModelFailed("model_silent", f"nothing was said for {silence:g} s")
