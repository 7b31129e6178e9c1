"""The scripted model, asked by the openai package and, where that hides the wire, by a bare HTTP client."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import aiohttp
import openai
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.model import add_model_routes
from simulator.model.bench import Bench
from simulator.model.long_text import long_text

SEND_MEDIA = {
    "type": "function",
    "function": {
        "name": "send_media",
        "parameters": {
            "type": "object",
            "properties": {
                "url": {"type": "string"},
                "kind": {"type": "string", "enum": ["video", "image", "voice", "file"]},
                "caption": {"type": "string"},
            },
            "required": ["url", "kind"],
        },
    },
}
FAST = "rate=2000"


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()
    add_model_routes(app)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def client(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as made:
        yield made


@pytest.fixture
async def http(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(url) as session:
        yield session


async def read(client: openai.AsyncOpenAI, **request: Any) -> tuple[list[str], str, Any]:
    """Return the deltas, the finish reason and the joined tool call of a streamed answer."""
    deltas, finish, call = [], "", {"name": "", "arguments": ""}
    async with await client.chat.completions.create(stream=True, **request) as stream:
        async for chunk in stream:
            for choice in chunk.choices:
                if choice.delta.content:
                    deltas.append(choice.delta.content)
                for part in choice.delta.tool_calls or []:
                    call["id"] = part.id or call.get("id")
                    call["name"] += part.function.name or ""
                    call["arguments"] += part.function.arguments or ""
                finish = choice.finish_reason or finish
    return deltas, finish, call


async def post(http: aiohttp.ClientSession, body: Any) -> tuple[int, Any]:
    async with http.post("/v1/chat/completions", json=body) as answer:
        return answer.status, await answer.json()


async def answers(http: aiohttp.ClientSession, **wanted: str) -> list[dict[str, Any]]:
    async with http.get("/_sim/model/answers", params=wanted) as answer:
        return (await answer.json())["answers"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"messages": said("hi")}, 400, None),
        ({"model": "gpt-9", "messages": said("hi")}, 404, "model_not_found"),
        ({"model": "demo"}, 400, "missing_required_parameter"),
        ({"model": "demo", "messages": []}, 400, "empty_array"),
        ({"model": "demo", "messages": [{"role": "robot", "content": "hi"}]}, 400, "invalid_value"),
        ({"model": "demo", "messages": [{"role": "user", "content": None}]}, 400, None),
        ({"model": "demo", "messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]}, 400, None),
        ({"model": "demo", "messages": said("hi"), "stream": "yes"}, 400, "invalid_type"),
        ({"model": "demo", "messages": said("hi"), "stream_options": {"include_usage": True}}, 400, None),
        ({"model": "demo", "messages": said("hi"), "temperature": 3}, 400, "decimal_out_of_range"),
        ({"model": "demo", "messages": said("hi"), "tools": []}, 400, "empty_array"),
        ([], 400, None),
    ],
)
async def test_what_openai_refuses_is_refused(http: aiohttp.ClientSession, body: Any, status: int, code: Any) -> None:
    given, answer = await post(http, body)
    assert given == status
    assert answer["error"]["message"]
    assert answer["error"]["code"] == code


async def test_a_tool_call_left_without_result_is_refused(http: aiohttp.ClientSession) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "send_media", "arguments": "{}"}}
    messages = [*said("hi"), {"role": "assistant", "content": None, "tool_calls": [call]}, *said("again")]
    status, answer = await post(http, {"model": "demo", "messages": messages})
    assert status == 400
    assert "tool_call_id" in answer["error"]["message"]


async def test_a_body_that_is_not_json_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/chat/completions", data=b'{"model": "\xff') as answer:
        assert answer.status == 400
        assert "parse the JSON body" in (await answer.json())["error"]["message"]


async def test_a_configured_key_is_asked_for() -> None:
    app = web.Application()
    add_model_routes(app, key="sk-right")
    async with TestServer(app) as server:
        base = f"http://127.0.0.1:{server.port}/v1"
        async with openai.AsyncOpenAI(base_url=base, api_key="sk-wrong", max_retries=0) as wrong:
            with pytest.raises(openai.AuthenticationError) as refused:
                await wrong.models.list()
            assert refused.value.code == "invalid_api_key"
        async with openai.AsyncOpenAI(base_url=base, api_key="sk-right", max_retries=0) as right:
            assert (await right.models.retrieve("demo")).id == "demo"


async def test_the_same_request_is_answered_the_same_and_recorded(
    client: openai.AsyncOpenAI, http: aiohttp.ClientSession
) -> None:
    request = {"model": f"demo:{FAST}", "messages": said("番茄炒蛋怎么做才好吃？")}
    first, finish, _ = await read(client, **request)
    second, _, _ = await read(client, **request)
    assert finish == "stop"
    assert first == second
    assert len(first) > 50
    recorded = await answers(http, script="demo")
    assert [answer["text"] for answer in recorded] == ["".join(first)] * 2
    assert {answer["state"] for answer in recorded} == {"done"}


async def test_the_words_choose_the_topic_and_its_language(client: openai.AsyncOpenAI) -> None:
    async def about(text: str) -> str:
        return "".join((await read(client, model=f"demo:{FAST}", messages=said(text)))[0])

    assert "```python" in await about("写段 python 代码")
    assert "```python" in await about("some Python code, please")
    assert "火候" in await about("晚饭吃什么，番茄炒蛋？")
    assert "smallest step" in await about("How can a person decide?")
    assert "退路" in await about("人生的意义是什么")


async def test_a_picture_is_sent_in_the_middle_and_the_answer_goes_on(
    client: openai.AsyncOpenAI, http: aiohttp.ClientSession, url: str
) -> None:
    messages = said("周末去杭州，两天怎么安排？")
    asked = {"model": f"demo:{FAST}", "tools": [SEND_MEDIA]}
    before, finish, call = await read(client, messages=messages, **asked)
    assert finish == "tool_calls"
    arguments = json.loads(call["arguments"])
    assert arguments == {
        "url": f"{url}/_sim/pictures/demo.png",
        "kind": "image",
        "caption": "傍晚的西湖群山 🌄",
    }
    function = {"name": call["name"], "arguments": call["arguments"]}
    messages += [
        {
            "role": "assistant",
            "content": "".join(before),
            "tool_calls": [{"id": call["id"], "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": call["id"], "content": "sent"},
    ]
    after, finish, _ = await read(client, messages=messages, **asked)
    assert finish == "stop"
    assert "第二天" not in "".join(before)
    assert "第二天" in "".join(after)
    messages[-1]["content"] = "error: refused"
    sorry, _, _ = await read(client, messages=messages, **asked)
    assert "没能发出去" in "".join(sorry)
    recorded = await answers(http)
    assert recorded[0]["tool_calls"][0]["arguments"] == call["arguments"]
    assert [answer["turn"] for answer in recorded] == [0, 1, 1]
    whole, finish, _ = await read(client, model=f"demo:{FAST}", messages=messages[:1])
    assert finish == "stop"
    assert "第二天" in "".join(whole)


async def test_one_of_each_kind_in_one_answer(client: openai.AsyncOpenAI, url: str) -> None:
    messages = said("照片、视频、语音和文件都发我一份看看")
    asked = {"model": f"demo:{FAST}", "tools": [SEND_MEDIA]}
    sent = []
    while True:
        _, finish, call = await read(client, messages=messages, **asked)
        if finish == "stop":
            break
        arguments = json.loads(call["arguments"])
        sent.append((arguments["kind"], arguments["url"].removeprefix(f"{url}/_sim/samples/")))
        function = {"name": call["name"], "arguments": call["arguments"]}
        called = {"id": call["id"], "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [called]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": "sent"})
    assert [kind for kind, _ in sent] == ["image", "video", "voice", "file"]
    assert [unquote(name) for _, name in sent] == ["photo-3mb.png", "video-25mb.mp4", "voice.mp3", "季度报告.pdf"]


async def test_a_model_that_sends_one_kind(client: openai.AsyncOpenAI) -> None:
    _, finish, call = await read(client, model=f"tool-film:{FAST}", messages=said("来"), tools=[SEND_MEDIA])
    assert (finish, json.loads(call["arguments"])["kind"]) == ("tool_calls", "video")


async def test_the_picture_is_a_png(http: aiohttp.ClientSession) -> None:
    async with http.get("/_sim/pictures/demo.png") as answer:
        data = await answer.read()
    assert answer.content_type == "image/png"
    width, height = struct.unpack(">II", data[16:24])
    start = data.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", data[start - 8 : start - 4])
    assert len(zlib.decompress(data[start : start + length])) == height * (1 + 3 * width)


async def test_bench_pieces_come_evenly_and_are_known(client: openai.AsyncOpenAI) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    deltas, _, _ = await read(client, model="bench:rate=50,seconds=1,chars=9", messages=said("go"))
    took = loop.time() - began
    run = Bench(rate=50, count=50, chars=9)
    assert deltas == [run.piece(number) for number in range(50)]
    assert {len(delta) for delta in deltas} == {9}
    assert len(set(deltas)) == 50
    assert took > 0.9


async def test_bench_takes_its_numbers_from_the_users_text_and_stamps(client: openai.AsyncOpenAI) -> None:
    deltas, _, _ = await read(client, model="demo", messages=said("/bench rate=40 pieces=20 stamp=1"))
    stamps = [re.fullmatch(r"\[(\d+)@(\d+\.\d{6})\]", delta) for delta in deltas]
    assert [int(stamp[1]) for stamp in stamps if stamp] == list(range(20))
    times = [float(stamp[2]) for stamp in stamps if stamp]
    assert times == sorted(times)
    # Asked for half a second of them; what was late at the start is caught up.
    assert 0.2 < times[-1] - times[0] < 5


async def test_long_is_long_and_complete(client: openai.AsyncOpenAI) -> None:
    deltas, _, _ = await read(client, model=f"long:{FAST}", messages=said("多说点"))
    text = "".join(deltas)
    assert text == long_text(6000)
    assert len(text.encode()) > len(text) > 6000
    assert text.count("```") > 2
    assert "👨‍👩‍👧‍👦" in text
    assert "|:---|" in text


async def test_echo_says_the_users_words(client: openai.AsyncOpenAI) -> None:
    words = "<b>粗</b> & “引号” \\ 🙂"
    deltas, _, _ = await read(client, model=f"echo:{FAST}", messages=said(words))
    assert "".join(deltas) == words


@pytest.mark.parametrize(
    ("model", "deltas"),
    [("empty", []), ("blank", ["\n", "  ", "\n\n"]), ("instant", 1), ("tool-unasked", None)],
)
async def test_strange_answers(client: openai.AsyncOpenAI, model: str, deltas: Any) -> None:
    got, finish, call = await read(client, model=f"{model}:{FAST}", messages=said("你好"))
    if model == "instant":
        assert len(got) == deltas
    elif model == "tool-unasked":
        assert finish == "tool_calls"
        assert call["name"] == "launch_rocket"
    else:
        assert got == deltas
        assert finish == "stop"


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("error-401", openai.AuthenticationError),
        ("error-429", openai.RateLimitError),
        ("error-500", openai.InternalServerError),
        ("error-mid", openai.APIError),
        ("bad-json", json.JSONDecodeError),
        ("bad-utf8", UnicodeDecodeError),
    ],
)
async def test_a_model_that_fails(client: openai.AsyncOpenAI, model: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read(client, model=f"{model}:{FAST}", messages=said("你好"))


async def test_a_cut_connection_keeps_what_was_said(client: openai.AsyncOpenAI, http: aiohttp.ClientSession) -> None:
    with pytest.raises(openai.APIConnectionError):
        await read(client, model=f"cut:{FAST}", messages=said("你好"))
    (answer,) = await answers(http, script="cut")
    assert answer["state"] == "cut"
    assert len(answer["text"]) > 10


async def test_a_stalled_model_notices_that_its_client_left(url: str, http: aiohttp.ClientSession) -> None:
    async with aiohttp.ClientSession(url) as impatient:
        body = {"model": f"stall:{FAST}", "messages": said("你好"), "stream": True}
        answer = await impatient.post("/v1/chat/completions", json=body)
        first = await answer.content.readuntil(b"\n\n")
        assert first.startswith(b"data: ")
        assert (await answers(http, script="stall"))[0]["state"] == "running"
        answer.close()
    assert await answers(http, script="stall", state="gone", wait="5")


async def test_reasoning_is_apart_from_the_answer(client: openai.AsyncOpenAI, http: aiohttp.ClientSession) -> None:
    deltas, _, _ = await read(client, model=f"reasoning:{FAST}", messages=said("写首诗"))
    (answer,) = await answers(http)
    assert "秋夜" in answer["text"]
    assert "".join(deltas) == answer["text"]
    assert "写首诗" in answer["reasoning"]
    assert "不要把这段话" not in answer["text"]


async def test_events_cut_inside_characters_are_whole_at_the_client(
    client: openai.AsyncOpenAI, http: aiohttp.ClientSession
) -> None:
    deltas, _, _ = await read(client, model=f"split:{FAST}", messages=said("你好"))
    assert "".join(deltas) == (await answers(http))[0]["text"]


async def test_usage_comes_when_it_is_asked_for(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="short", messages=said("hi"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


async def test_without_streaming_the_answer_comes_at_once(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="demo", messages=said("写首诗"))
    assert "秋夜" in (answer.choices[0].message.content or "")
    asked = await client.chat.completions.create(model="tool", messages=said("图"), tools=[SEND_MEDIA])
    assert asked.choices[0].finish_reason == "tool_calls"
    assert json.loads(asked.choices[0].message.tool_calls[0].function.arguments)["kind"] == "image"


async def test_a_message_can_be_the_script_of_its_answer(client: openai.AsyncOpenAI, url: str) -> None:
    asked = [{"role": "user", "content": "/play rate=2000\n前面。\n[[picture]]\n后面\n第二行\n[[think]]\n完。"}]
    deltas, finish, call = await read(client, model="demo", messages=asked, tools=[SEND_MEDIA])
    assert ("".join(deltas), finish, call["name"]) == ("前面。", "tool_calls", "send_media")
    results = [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": call}]}]
    results += [{"role": "tool", "tool_call_id": "1", "content": "sent"}]
    deltas, finish, _ = await read(client, model="demo", messages=[*asked, *results], tools=[SEND_MEDIA])
    assert ("".join(deltas), finish) == ("后面\n第二行完。", "stop")


async def test_a_played_answer_breaks_off_where_it_says(
    client: openai.AsyncOpenAI, http: aiohttp.ClientSession
) -> None:
    for word in ("cut", "error"):
        with pytest.raises(Exception, match=r"Connection error|server had an error"):
            await read(client, model="demo", messages=said(f"/play rate=2000\n一半。\n[[{word}]]\n另一半。"))
    async with http.get("/_sim/model/answers", params={"script": "play"}) as answer:
        assert [one["text"] for one in (await answer.json())["answers"]] == ["一半。", "一半。"]
