"""The OpenAI-compatible source against servers that break, each in its own way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from adapter.pieces import Break, SendMedia, Text
from qqconsole.replies.sources import close_sources, open_source
from tests.console.odd_model import CALLED, DONE, END, Answer, answer, bare, call, event, odd_model, words
from tests.console.replying import question, said

PICTURE = '{"url": "https://example.com/a.png", "kind": "image", "caption": "图"}'


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    yield
    await close_sources()


def refusing(status: str, body: bytes, *fields: str, kind: str = "application/json") -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


async def test_a_refusal_without_an_end_is_read_to_its_beginning() -> None:
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nno room"
    async with odd_model(Answer((head, *[b" " * 1_000_000] * 100), hangs=True)) as model:
        heard = await said(question(model.url, silence_timeout=5))
    assert (heard.reason, heard.detail) == ("model_refused", "HTTP 400: no room")


@pytest.mark.parametrize("name", ["content", "reasoning_content"])
async def test_a_model_that_never_ends_is_stopped(name: str) -> None:
    async with odd_model(answer(*[event({name: "永" * 50_000})] * 40, hangs=True)) as model:
        heard = await said(question(model.url))
    assert heard.reason == "model_endless"
    assert len(heard.text or heard.reasoning) == 1_000_000


async def test_tool_calls_that_never_end_are_stopped() -> None:
    async with odd_model(answer(words("在"), *[call("a" * 1_000_000)] * 20, hangs=True)) as model:
        heard = await said(question(model.url, media_allowed=True))
    assert (heard.text, heard.reason) == ("在", "model_endless")


async def test_nobody_listens() -> None:
    async with odd_model() as model:
        heard = await said(question(model.url))
    assert heard.reason == "model_unreachable"
    assert "refused" in heard.detail.lower()


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/v1", "", "nonsense", "http://[::1", "ftp://x/v1"])
async def test_an_address_that_leads_nowhere(url: str) -> None:
    assert (await said(question(url))).reason == "model_unreachable"


async def test_a_connection_closed_before_the_answer_is_tried_once_more() -> None:
    async with odd_model(bare(), answer(words("第二次"), END)) as model:
        heard = await said(question(model.url))
    assert (heard.text, heard.reason, len(model.asked)) == ("第二次", "", 2)


async def test_a_busy_model_is_asked_again_as_soon_as_it_says() -> None:
    busy = bare(refusing("429 Too Many Requests", b'{"error":{"message":"slow down"}}', "Retry-After: 0"))
    async with odd_model(busy, answer(words("好"), END)) as model:
        heard = await said(question(model.url))
    assert (heard.text, heard.reason) == ("好", "")


@pytest.mark.parametrize("more", [{"hangs": True}, {"resets": True}, {}])
async def test_after_the_first_word_nothing_is_asked_again(more: dict[str, bool]) -> None:
    async with odd_model(answer(words("说到一半"), **more)) as model:
        heard = await said(question(model.url, silence_timeout=0.3))
    assert heard.text == "说到一半"
    assert heard.reason == ("model_silent" if "hangs" in more else "model_cut")
    assert len(model.asked) == 1


async def test_an_event_cut_in_the_middle_is_a_cut_not_garbage() -> None:
    async with odd_model(answer(words("前半"), words("后半")[:-20])) as model:
        heard = await said(question(model.url))
    assert (heard.text, heard.reason) == ("前半", "model_cut")


async def test_comments_keep_the_connection_but_are_not_words() -> None:
    async with odd_model(answer(words("在"), b": keep-alive\n\n", hangs=True)) as model:
        heard = await said(question(model.url, silence_timeout=0.3))
    assert heard.reason == "model_silent"


async def test_a_finished_stream_needs_no_end() -> None:
    async with odd_model(answer(words("说完了"), END, hangs=True)) as model:
        heard = await said(question(model.url, silence_timeout=30.0))
    assert (heard.text, heard.reason) == ("说完了", "")


@pytest.mark.parametrize("last", [DONE, event(finish="stop"), event({"content": ""}, "stop")])
async def test_either_sign_of_the_end_will_do(last: bytes) -> None:
    async with odd_model(answer(words("好"), last)) as model:
        assert (await said(question(model.url))).reason == ""


async def test_words_after_a_last_event_without_an_empty_line_are_heard() -> None:
    async with odd_model(answer(words("一"), event({"content": "二"}, "stop").rstrip())) as model:
        heard = await said(question(model.url))
    assert (heard.text, heard.reason) == ("一二", "")


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
async def test_neither_the_key_nor_the_words_follow_a_redirect(status: str) -> None:
    async with odd_model(answer(words("截获"), END)) as elsewhere:
        place = f"Location: {elsewhere.url}/chat?secret=1"
        async with odd_model(bare(refusing(status, b"", place))) as model:
            heard = await said(question(model.url))
    assert (heard.text, heard.reason) == ("", "model_redirects")
    assert heard.detail == f"HTTP {status[:3]}: the address has moved to {elsewhere.url}/chat"
    assert len(model.asked) == 1
    assert elsewhere.heads == []


@pytest.mark.parametrize("place", ["", "Location: http://[", "Location: http://x:99999999/", "Location: javascript:0"])
async def test_a_redirect_to_nowhere(place: str) -> None:
    async with odd_model(bare(refusing("307 Temporary Redirect", b"", *filter(None, [place])))) as model:
        assert (await said(question(model.url))).reason == "model_redirects"


async def test_a_server_that_does_not_stream_is_understood() -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "一次说完"}, "finish_reason": "stop"}]}
    async with odd_model(bare(refusing("200 OK", json.dumps(whole).encode()))) as model:
        heard = await said(question(model.url))
    assert (heard.text, heard.reason) == ("一次说完", "")


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"<html>welcome</html>", "text/html; charset=utf-8", "model_garbled"),
        (b"not json", "application/json", "model_garbled"),
        (b'{"error":"no credit"}', "application/json", "model_error"),
        (b'{"error":{"code":429,"message":"busy"}}', "application/json", "model_busy"),
        (b'{"object":"error","message":"too long","code":400}', "application/json", "model_error"),
        (b"data: \xff\xfe\n\n", "text/event-stream", "model_garbled"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "text/event-stream", "model_garbled"),
        (b"", "text/event-stream", "model_cut"),
    ],
)
async def test_a_200_that_is_no_answer(body: bytes, kind: str, reason: str) -> None:
    async with odd_model(bare(refusing("200 OK", body, kind=kind))) as model:
        assert (await said(question(model.url))).reason == reason


@pytest.mark.parametrize("data", [b"null", b"[]", b'"ping"', b"{}", b'{"choices":[]}', b'{"choices":[null]}',
                                  b'{"choices":[{"delta":null}]}', b'{"choices":[{"delta":{"content":7}}]}',
                                  b'{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}'])  # fmt: skip
async def test_events_that_say_nothing_are_passed_over(data: bytes) -> None:
    async with odd_model(answer(words("一"), b"data: " + data + b"\n\n", words("二"), END)) as model:
        heard = await said(question(model.url))
    assert (heard.text, heard.reason, heard.shape) == ("一二", "", ["Text"])


async def test_an_endless_event_is_not_kept_for_ever() -> None:
    async with odd_model(answer(words("一"), b"data: ", *[b"x" * 1_000_000] * 17)) as model:
        heard = await said(question(model.url))
    assert (heard.text, heard.reason) == ("一", "model_garbled")


async def test_a_character_cut_in_two_deltas_is_put_together_and_a_half_replaced() -> None:
    halves = [b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % half for half in (rb"a\ud83d", rb"\ude00b")]
    lone = b'data: {"choices":[{"delta":{"content":"\\u0000c\\udc00\\ud83d"}}]}\n\n'
    async with odd_model(answer(*halves, lone, END)) as model:
        heard = await said(question(model.url))
    assert heard.text == "a😀b\ufffdc\ufffd\ufffd"


async def test_no_words_of_the_other_side_carry_the_key() -> None:
    body = b'{"error":{"message":"Incorrect API key provided: sk-test-key\\u0000."}}'
    async with odd_model(bare(refusing("401 Unauthorized", body))) as model:
        heard = await said(question(model.url, key="sk-test-key"))
    assert heard.detail == "HTTP 401: Incorrect API key provided: ***\ufffd."
    assert "sk-test-key" not in repr(question(model.url, key="sk-test-key"))


async def test_without_a_key_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "from-the-environment")
    async with odd_model(answer(words("好"), END)) as model:
        await said(question(model.url, key=""))
        await said(question(model.url, key="sk-one"))
    assert "authorization" not in model.heads[0].lower()
    assert "authorization: bearer sk-one" in model.heads[1].lower()
    assert "from-the-environment" not in "".join(model.heads)


async def test_a_key_that_no_header_can_hold() -> None:
    async with odd_model(answer(words("好"), END)) as model:
        heard = await said(question(model.url, key="密钥密钥"))
    assert heard.reason == "model_unreachable"
    assert "密钥密钥" not in heard.detail


async def test_the_break_comes_with_the_first_sign_of_the_call() -> None:
    async with odd_model(answer(words("看图"), call('{"url"'), hangs=True)) as model:
        source = open_source(question(model.url, media_allowed=True))
        assert await anext(source) == Text("看图")
        assert await anext(source) == Break("send_media")
        await source.aclose()
        async with asyncio.timeout(5):
            await model.left.wait()


async def test_a_cancelled_source_leaves_the_model_at_once() -> None:
    async with odd_model(answer(words("在"), hangs=True)) as model:
        reply = asyncio.create_task(said(question(model.url, silence_timeout=60.0)))
        async with asyncio.timeout(5):
            await model.reached.wait()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply
        async with asyncio.timeout(5):
            await model.left.wait()


async def test_a_call_cut_in_the_middle_sends_nothing() -> None:
    async with odd_model(answer(call(PICTURE[:30]))) as model:
        heard = await said(question(model.url, media_allowed=True))
    assert (heard.shape, heard.reason) == (["Break"], "model_cut")


async def test_several_calls_in_one_turn_are_carried_out_in_order() -> None:
    second = PICTURE.replace("a.png", "b.png")
    asks = answer(words("两张"), call(PICTURE), call(second, index=1, id="call_2"), CALLED)
    async with odd_model(asks, answer(words("都发了"), END)) as model:
        heard = await said(question(model.url, media_allowed=True))
    assert heard.shape == ["Text", "Break", "SendMedia", "Break", "SendMedia", "Text"]
    urls = [piece.item.url for piece in heard.pieces if isinstance(piece, SendMedia)]
    assert urls == ["https://example.com/a.png", "https://example.com/b.png"]
    user, assistant, *results = model.asked[1]["messages"]
    assert user["role"] == "user"
    assert assistant["content"] == "两张"
    assert [called["id"] for called in assistant["tool_calls"]] == ["call_1", "call_2"]
    assert [(result["tool_call_id"], result["content"]) for result in results] == [
        ("call_1", "The image was sent."),
        ("call_2", "The image was sent."),
    ]


@pytest.mark.parametrize("index", [0, None])
async def test_calls_that_share_an_index_are_told_apart_by_their_id(index: int | None) -> None:
    first, rest = PICTURE[:20], PICTURE[20:]
    asks = answer(
        call(first, index=index), call(rest, index=index, id=""), call(PICTURE, index=index, id="call_2"), CALLED
    )
    async with odd_model(asks, answer(END)) as model:
        heard = await said(question(model.url, media_allowed=True))
    assert len([piece for piece in heard.pieces if isinstance(piece, SendMedia)]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("{}", "url is missing"),
        ('{"url": "https://example.com/a", "kind": "sticker"}', "kind must be one of"),
        ('{"url": "ftp://example.com/a", "kind": "image"}', "the url was refused"),
        ('{"url": "http://127.0.0.1/a", "kind": "image"}', "the url was refused"),
        ('{"url": "data:image/png;base64,%%%", "kind": "image"}', "the url was refused"),
        ('{"url": "data:image/png;base64,", "kind": "image"}', "holds nothing"),
        ('{"url": "data:image/png;base64,iVBORw0KGgo=", "kind": "voice"}', "no voice that QQ plays"),
    ],
)
async def test_a_call_that_cannot_be_carried_out_is_told_so(arguments: str, told: str) -> None:
    async with odd_model(answer(call(arguments), CALLED), answer(words("那就算了"), END)) as model:
        heard = await said(question(model.url, media_allowed=True))
    assert (heard.shape, heard.reason) == (["Break", "Text"], "")
    assistant, result = model.asked[1]["messages"][-2:]
    assert result["content"].startswith("Failed, nothing was sent: ")
    assert told in result["content"]
    # The history that goes back is JSON, whatever the model wrote.
    json.loads(assistant["tool_calls"][0]["function"]["arguments"])


async def test_bytes_in_a_data_url_are_sent_as_bytes() -> None:
    arguments = '{"url": "data:image/png;base64,iVBORw0KGgo=", "kind": "image"}'
    async with odd_model(answer(call(arguments), CALLED), answer(END)) as model:
        heard = await said(question(model.url, media_allowed=True))
    [sending] = [piece for piece in heard.pieces if isinstance(piece, SendMedia)]
    assert (sending.item.url, sending.item.data) == (None, b"\x89PNG\r\n\x1a\n")


async def test_the_tool_is_offered_with_its_kinds_and_not_in_the_last_round() -> None:
    async with odd_model(answer(call(PICTURE), CALLED)) as model:
        await said(question(model.url, media_allowed=True))
    assert len(model.asked) == 8
    kinds = model.asked[0]["tools"][0]["function"]["parameters"]["properties"]["kind"]["enum"]
    assert kinds == ["image", "video", "voice", "file"]
    assert [body.get("tool_choice") for body in model.asked] == [None] * 7 + ["none"]


async def test_thoughts_go_back_with_the_call_they_led_to() -> None:
    asks = answer(event({"reasoning_content": "要图"}), call(PICTURE), CALLED)
    async with odd_model(asks, answer(END)) as model:
        await said(question(model.url, media_allowed=True))
    assert model.asked[1]["messages"][-2]["reasoning_content"] == "要图"
