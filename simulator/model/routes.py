"""The OpenAI-compatible routes; beside them the truth of what was written, and the demo's picture."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulator.model import ask as asking
from simulator.model.answers import KEPT, Answer, Answers
from simulator.model.picture import demo_png
from simulator.model.refusals import refuse, refuse_key
from simulator.model.scripts import SCRIPTS, script_for
from simulator.model.steps import (
    Cut,
    Fragments,
    Piece,
    Refusal,
    Script,
    Stall,
    StampedPiece,
    Thought,
    ToolCall,
)
from simulator.model.topics import prompts
from simulator.model.writing import FINGERPRINT, Writer, usage_of


@dataclass(slots=True)
class Served:
    """The model as one app serves it: the key it asks for, what it wrote, the streams being written."""

    key: str
    answers: Answers
    writing: set[asyncio.Task[Any]] = field(default_factory=set)


MODEL: web.AppKey[Served] = web.AppKey("model", Served)
MADE = 1_700_000_000
FILTERS = ("id", "model", "script", "state", "user_text")


def add_model_routes(app: web.Application, *, key: str = "", kept: int = KEPT) -> None:
    """Serve the scripted model from `app`; with `key`, only to requests that carry it as a bearer token.

    The last `kept` answers are remembered.
    """
    app[MODEL] = Served(key, Answers(kept))
    app.on_shutdown.append(_stop_writing)
    app.router.add_get("/v1/models", _models)
    app.router.add_get("/v1/models/{model}", _model)
    app.router.add_post("/v1/chat/completions", _chat)
    app.router.add_get("/_sim/model", _about)
    app.router.add_get("/_sim/model/answers", _answers)
    app.router.add_delete("/_sim/model/answers", _forget)
    app.router.add_get("/_sim/pictures/demo.png", _picture)


async def _stop_writing(app: web.Application) -> None:
    """End the streams that are still open, so that the server need not wait for a stalled one."""
    for task in list(app[MODEL].writing):
        task.cancel()


def _refusal(refusal: Refusal) -> web.Response:
    return web.json_response(refusal.body(), status=refusal.status)


async def _models(request: web.Request) -> web.Response:
    wrong = refuse_key(request.headers.get("Authorization"), request.app[MODEL].key)
    if wrong:
        return _refusal(wrong)
    return web.json_response({"object": "list", "data": [_listed(name) for name in SCRIPTS]})


def _listed(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": MADE, "owned_by": "simulator"}


async def _model(request: web.Request) -> web.Response:
    wrong = refuse_key(request.headers.get("Authorization"), request.app[MODEL].key)
    name = request.match_info["model"]
    if not wrong and name.partition(":")[0] not in SCRIPTS:
        wrong = Refusal(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return _refusal(wrong) if wrong else web.json_response(_listed(name))


async def _chat(request: web.Request) -> web.StreamResponse:
    wrong = refuse_key(request.headers.get("Authorization"), request.app[MODEL].key)
    if wrong:
        return _refusal(wrong)
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    wrong = refuse(body)
    if wrong:
        return _refusal(wrong)
    answers = request.app[MODEL].answers
    asked = asking.read(body, str(request.url.origin()))
    script = script_for(asked)
    answer = answers.open(
        asked.seed,
        model=asked.model,
        script=script.name,
        user_text=asked.text,
        turn=asked.turn,
        messages=len(body["messages"]),
        streamed=bool(body.get("stream")),
    )
    if script.refusal:
        answers.end(answer, "refused")
        return _refusal(script.refusal)
    if not body.get("stream"):
        return await _whole(request, script, answer)
    return await _streamed(request, script, answer, bool((body.get("stream_options") or {}).get("include_usage")))


async def _streamed(request: web.Request, script: Script, answer: Answer, usage: bool) -> web.StreamResponse:
    answers = request.app[MODEL].answers
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    )
    await response.prepare(request)
    task = asyncio.current_task()
    assert task is not None
    request.app[MODEL].writing.add(task)
    try:
        await Writer(request, response, answer).write(script, usage)
        await response.write_eof()
    except ConnectionAbortedError:
        answers.end(answer, "cut")
    except ConnectionError:
        answers.end(answer, "gone")
    except asyncio.CancelledError:
        answers.end(answer, "gone")
        raise
    else:
        answers.end(answer, "done", script.finish)
    finally:
        request.app[MODEL].writing.discard(task)
    return response


async def _whole(request: web.Request, script: Script, answer: Answer) -> web.Response:
    """Answer without streaming: at once, save where the script stalls, is cut, or breaks its bytes."""
    answers = request.app[MODEL].answers
    for step in script.steps:
        match step:
            case Piece(text) | Fragments(text):
                answer.wrote(text)
            case StampedPiece():
                answer.wrote(step.text_at(time.monotonic()))
            case Thought(text):
                answer.reasoning.append(text)
            case ToolCall(name, arguments, index):
                call = {"id": f"call_{answer.number}_{index}", "name": name, "arguments": "".join(arguments)}
                answer.tool_calls.append(call)
            case Stall() | Cut():
                if request.transport is not None:
                    request.transport.abort()
                answers.end(answer, "cut")
                raise ConnectionAbortedError("cut by the script")
            case _:
                answers.end(answer, "refused")
                return _refusal(Refusal(500, "The server had an error while processing your request.", "server_error"))
    answers.end(answer, "done", script.finish)
    message: dict[str, object] = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.reasoning:
        message["reasoning_content"] = "".join(answer.reasoning)
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in answer.tool_calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": script.finish or "stop"}
    about = {"id": answer.id, "object": "chat.completion", "created": int(time.time()), "model": answer.model}
    about |= {"system_fingerprint": FINGERPRINT}
    return web.json_response({**about, "choices": [choice], "usage": usage_of(answer)})


async def _about(request: web.Request) -> web.Response:
    """Say which models there are and what a user might write."""
    models = [{"id": name, "about": (script.__doc__ or "").strip()} for name, script in SCRIPTS.items()]
    return web.json_response({"models": models, "prompts": {"zh": prompts("zh"), "en": prompts("en")}})


async def _answers(request: web.Request) -> web.Response:
    """List what was written: `?since=N&id=&model=&script=&state=&user_text=`, oldest first.

    With `wait=SECONDS` the answer comes when the list is not empty, or when the seconds are over.
    """
    try:
        since = int(request.query.get("since", "0"))
        seconds = min(float(request.query.get("wait", "0")), 60.0)
    except ValueError:
        raise web.HTTPBadRequest(text="since and wait must be numbers") from None
    wanted = {name: request.query[name] for name in FILTERS if name in request.query}
    answers = request.app[MODEL].answers
    found = await answers.wait(seconds, since, **wanted) if seconds > 0 else answers.since(since, **wanted)
    return web.json_response({"answers": [answer.as_json() for answer in found]})


async def _forget(request: web.Request) -> web.Response:
    request.app[MODEL].answers.clear()
    return web.Response(status=204)


async def _picture(request: web.Request) -> web.Response:
    return web.Response(body=demo_png(), content_type="image/png", headers={"Cache-Control": "max-age=3600"})
