"""The OpenAI-compatible source against the simulator's scripted model, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from adapter.pieces import Break, MediaKind, MediaOutcome, SendMedia, Text
from qqconsole.replies.request import Turn
from qqconsole.replies.sources import close_sources, open_source
from simulator.model import add_model_routes
from simulator.model.bench import Bench
from simulator.model.long_text import long_text
from simulator.model.scripts import SENTENCES
from simulator.model.tool_scripts import AFTER, BEFORE
from tests.console.replying import question, said

HALF = SENTENCES[: len(SENTENCES) // 2]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()
    add_model_routes(app)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}/v1"
        await close_sources()


async def asked(url: str) -> list[dict[str, object]]:
    """Return what the model was asked and what it wrote, oldest first."""
    async with aiohttp.ClientSession() as http, http.get(f"{url[:-3]}/_sim/model/answers") as answer:
        return (await answer.json())["answers"]


async def test_a_reply_arrives_whole_and_piece_by_piece(url: str) -> None:
    heard = await said(question(url, "bench:rate=2000,pieces=200"))
    assert heard.reason == ""
    assert heard.text == Bench(2000, 200).text()
    assert len(heard.pieces) == 200


async def test_the_users_text_reaches_the_model_unchanged(url: str) -> None:
    text = "rate=2000  两个空格、换行\n和 <@x> 以外的一切 👩‍👩‍👧 \\n {json: 1}"
    assert (await said(question(url, user_text=text))).text == text.replace("<@x>", "")


async def test_a_long_answer_keeps_every_character(url: str) -> None:
    heard = await said(question(url, "long", user_text="chars=3000 rate=2000"))
    assert heard.text == long_text(3000)


async def test_the_whole_answer_in_one_delta(url: str) -> None:
    assert len((await said(question(url, "instant"))).pieces) == 1


@pytest.mark.parametrize("model", ["split", "keepalive"])
async def test_neither_cut_bytes_nor_comments_change_the_text(url: str, model: str) -> None:
    assert (await said(question(url, model))).text == SENTENCES


async def test_reasoning_is_kept_apart_from_the_answer(url: str) -> None:
    heard = await said(question(url, "reasoning"))
    assert heard.shape == ["Reasoning", "Text"]
    assert "先想清楚" in heard.reasoning
    assert "先想清楚" not in heard.text


async def test_a_model_that_says_nothing_ends_without_a_piece(url: str) -> None:
    heard = await said(question(url, "empty"))
    assert (heard.pieces, heard.reason) == ([], "")


async def test_white_space_alone_is_passed_on_as_it_is(url: str) -> None:
    assert (await said(question(url, "blank"))).text == "\n  \n\n"


async def test_a_length_limit_ends_the_reply_and_is_noted_for_the_inspector(url: str) -> None:
    heard = await said(question(url, "length"))
    assert (heard.text, heard.reason) == (HALF, "")
    assert "finish_reason length" in heard.reasoning


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("cut", "model_cut"),
        ("no-done", "model_cut"),
        ("filter", "model_filtered"),
        ("error-mid", "model_error"),
        ("bad-json", "model_garbled"),
        ("bad-utf8", "model_garbled"),
    ],
)
async def test_a_failure_in_mid_sentence_keeps_the_text_before_it(url: str, model: str, reason: str) -> None:
    heard = await said(question(url, model))
    assert (heard.text, heard.reason) == (HALF, reason)


async def test_a_stalled_model_is_given_up_after_the_time_out(url: str) -> None:
    heard = await said(question(url, "stall", silence_timeout=0.4))
    assert (heard.text, heard.reason, heard.detail) == (HALF, "model_silent", "nothing was said for 0.4 s")


async def test_a_model_that_never_begins_is_given_up_too(url: str) -> None:
    heard = await said(question(url, "late", user_text="seconds=60", silence_timeout=0.3))
    assert (heard.pieces, heard.reason) == ([], "model_silent")


@pytest.mark.parametrize(
    ("model", "reason", "times"),
    [
        ("error-400", "model_refused", 1),
        ("error-401", "model_key_refused", 1),
        ("error-403", "model_key_refused", 1),
        ("error-429", "model_busy", 2),
        ("error-500", "model_error", 2),
        ("error-503", "model_error", 2),
    ],
)
async def test_a_refusal_is_named_and_only_a_passing_one_asked_again(
    url: str, model: str, reason: str, times: int
) -> None:
    heard = await said(question(url, model))
    assert (heard.pieces, heard.reason) == ([], reason)
    assert heard.detail.startswith(f"HTTP {model[-3:]}: ")
    assert len(await asked(url)) == times


async def test_a_model_that_is_not_there(url: str) -> None:
    heard = await said(question(url, "gone"))
    assert heard.reason == "model_not_found"
    assert "`gone` does not exist" in heard.detail


async def test_the_tool_is_the_break_and_the_answer_goes_on_after_the_media(url: str) -> None:
    heard = await said(question(url, "tool", media_allowed=True, allow_private=True))
    assert heard.shape == ["Text", "Break", "SendMedia", "Text"]
    at = heard.pieces.index(Break("send_media"))
    assert "".join(piece.text for piece in heard.pieces[:at] if isinstance(piece, Text)) == BEFORE
    assert heard.text == BEFORE + AFTER
    sending = heard.pieces[at + 1]
    assert isinstance(sending, SendMedia)
    assert sending.item.kind is MediaKind.IMAGE
    assert sending.item.url == f"{url[:-3]}/_sim/pictures/demo.png"
    assert sending.item.caption == "晚霞"


async def test_the_model_is_told_when_the_media_was_not_sent(url: str) -> None:
    request = question(url, "tool", media_allowed=True, allow_private=True)
    heard = await said(request, MediaOutcome(False, "QQ refused it: file too large", 850031))
    assert "没能发出去" in heard.text or "could not be sent" in heard.text
    assert heard.text.endswith(AFTER)


async def test_a_private_address_is_refused_before_anything_is_sent(url: str) -> None:
    heard = await said(question(url, "tool", media_allowed=True, allow_private=False))
    assert heard.shape == ["Text", "Break", "Text"]
    assert heard.text.endswith(AFTER)


async def test_arguments_that_are_not_json_send_nothing_and_the_answer_goes_on(url: str) -> None:
    heard = await said(question(url, "tool-bad", media_allowed=True, allow_private=True))
    assert heard.shape == ["Text", "Break", "Text"]
    assert heard.text == BEFORE + AFTER


async def test_a_tool_nobody_offered_is_answered_and_the_answer_goes_on(url: str) -> None:
    heard = await said(question(url, "tool-unasked", media_allowed=True))
    assert heard.text == BEFORE + AFTER
    assert not [piece for piece in heard.pieces if isinstance(piece, SendMedia)]


async def test_no_tool_is_offered_where_the_scene_takes_no_media(url: str) -> None:
    heard = await said(question(url, "tool", media_allowed=False))
    assert heard.shape == ["Text"]


async def test_a_model_that_calls_for_ever_is_stopped_after_eight_rounds(url: str) -> None:
    heard = await said(question(url, "tool-loop", media_allowed=True, allow_private=True))
    assert heard.reason == ""
    assert len(await asked(url)) == 8
    assert len([piece for piece in heard.pieces if isinstance(piece, SendMedia)]) <= 8


async def test_instructions_and_earlier_turns_go_before_the_question(url: str) -> None:
    turns = (Turn("user", "早"), Turn("assistant", "早上好"))
    await said(question(url, system_prompt="你是助手", turns=turns))
    assert (await asked(url))[0]["messages"] == 4


async def test_a_closed_source_leaves_the_model_at_once(url: str) -> None:
    source = open_source(question(url, "stall"))
    async with aclosing(source):
        assert isinstance(await anext(source), Text)
    async with aiohttp.ClientSession() as http:
        asking = http.get(f"{url[:-3]}/_sim/model/answers", params={"state": "gone", "wait": "5"})
        async with asking as answer:
            assert len((await answer.json())["answers"]) == 1


async def test_one_connection_serves_one_reply_after_another() -> None:
    connections: set[object] = set()

    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        assert request.transport is not None
        connections.add(request.transport.get_extra_info("peername"))
        return await handler(request)

    app = web.Application(middlewares=[counted])
    add_model_routes(app)
    async with TestServer(app) as server:
        for _ in range(3):
            assert (await said(question(f"http://127.0.0.1:{server.port}/v1"))).reason == ""
        await close_sources()
    assert len(connections) == 1


async def test_an_address_without_a_path_means_v1(url: str) -> None:
    assert (await said(question(url.removesuffix("/v1")))).text == "rate=2000 你好"
    assert (await said(question(f"{url}/chat/completions"))).text == "rate=2000 你好"
    assert (await said(question(f"{url}/"))).text == "rate=2000 你好"
