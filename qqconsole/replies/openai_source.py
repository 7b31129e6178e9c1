"""The OpenAI-compatible reply source: a conversation with the model, round by round, until it has said all.

A round is one request. Where the model calls ``send_media``, the next round tells it what became of the media.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import Any

import httpx2

from adapter.pieces import Break, MediaOutcome, Reasoning, SendMedia, Source
from qqconsole.replies import media_tool
from qqconsole.replies.failures import ModelFailed, tidy
from qqconsole.replies.listening import listen
from qqconsole.replies.media_tool import NotSent
from qqconsole.replies.model_clients import model_client
from qqconsole.replies.model_turn import CallStarted, CallWhole, ModelTurn, ToolCall
from qqconsole.replies.request import ReplyRequest

MOST_ROUNDS = 8
"""Requests for one reply; in the last one the model may not call the tool any more."""
LENGTH_NOTE = "\n[the model stopped at its length limit: finish_reason length]\n"

logger = logging.getLogger(__name__)


async def openai_source(request: ReplyRequest) -> Source:
    """Yield the model's reply piece by piece (``adapter.pieces``); ``SendMedia`` is answered with a MediaOutcome.

    Raises SourceFailed (``failures``) after what was said till then. Ends without a piece where the model says
    nothing. A reply that ended at the model's length limit ends with a Reasoning piece that says so.
    """
    try:
        client = model_client(request.url, request.key)
    except (httpx2.InvalidURL, ValueError) as error:
        raise ModelFailed("model_unreachable", tidy(f"{request.url}: {error}", request.key)) from None
    messages = opening_messages(request)
    for number in range(1, MOST_ROUNDS + 1):
        turn = ModelTurn(key=request.key)
        results: list[str] = []
        body = {"model": request.model, "messages": messages, **_tools(request, last=number == MOST_ROUNDS)}
        async with aclosing(listen(client, body, turn, silence=request.silence_timeout)) as round_:
            async for heard in round_:
                if isinstance(heard, CallWhole):
                    asked = media_tool.read_call(
                        heard.call.name,
                        heard.call.arguments,
                        allowed=request.media_allowed,
                        allow_private=request.allow_private,
                    )
                    if isinstance(asked, NotSent):
                        results.append(media_tool.told_failed(asked.why))
                    else:
                        outcome: MediaOutcome | None = yield SendMedia(asked)
                        results.append(media_tool.told(asked.kind, outcome))
                else:
                    yield Break(heard.name) if isinstance(heard, CallStarted) else heard
        if turn.finish_reason == "content_filter":
            raise ModelFailed("model_filtered", "finish_reason content_filter")
        if turn.finish_reason == "length":
            logger.info("model stopped at its length limit model=%s", request.model)
            yield Reasoning(LENGTH_NOTE)
        if not results:
            return
        messages += follow_up(turn, results)


def opening_messages(request: ReplyRequest) -> list[dict[str, Any]]:
    """Return the chat before the model's first word: its instructions, the earlier turns, the user's message."""
    messages: list[dict[str, Any]] = []
    if request.system_prompt.strip():
        messages.append({"role": "system", "content": request.system_prompt})
    messages += [{"role": turn.role, "content": turn.text} for turn in request.turns]
    words = "\n\n".join(part for part in (request.user_text, "\n".join(request.attachments)) if part)
    messages.append({"role": "user", "content": words})
    return messages


def follow_up(turn: ModelTurn, results: list[str]) -> list[dict[str, Any]]:
    """Return the model's turn and its tools' results (one for each call, in order), for the next round."""
    said: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
    if turn.reasoning_name:
        # Models that think while they use tools refuse a follow-up without their own thoughts.
        said[turn.reasoning_name] = turn.reasoning
    said["tool_calls"] = [_called(call) for call in turn.calls]
    return [said, *(_result(call, told) for call, told in zip(turn.calls, results, strict=True))]


def _called(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": media_tool.replayable(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _result(call: ToolCall, told: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call.id, "content": told}


def _tools(request: ReplyRequest, *, last: bool) -> dict[str, Any]:
    if not request.media_allowed:
        return {}
    # Not left out in the last round: some servers refuse a history with tool calls where no tools are named.
    return {"tools": [media_tool.TOOL], **({"tool_choice": "none"} if last else {})}
