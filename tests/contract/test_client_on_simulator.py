"""Our client against a strict platform: every odd answer of its faults is one typed answer, and none repeats."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapter.answers import Accepted, InReview, Refused, Throttled, Unknown
from adapter.client import Credentials, QQClient, Timeouts
from adapter.codes import Reaction, react
from adapter.errors import ApiRefused, TokenRefused
from adapter.limits import Pace
from adapter.media import upload_request
from adapter.pieces import MediaItem, MediaKind
from adapter.request import Endpoint, Request
from adapter.targets import Scene, Target
from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator

USER = Target(Scene.C2C, "USER1")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1) as started:
        yield started


def at(sim: Simulator, secret: str = DEMO_SECRET) -> Credentials:
    return Credentials(DEMO_APP_ID, secret, sim.url, f"{sim.url}/app/getAppAccessToken")


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[QQClient]:
    one = QQClient(at(sim), timeouts=Timeouts(message=0.4, upload=2.0, connect=1.0))
    yield one
    await one.close()


def text(msg_id: str, content: str = "你好", seq: int = 1) -> Request:
    body = {"msg_type": 0, "content": content, "msg_id": msg_id, "msg_seq": seq}
    return Request("POST", USER.messages_path, body, Endpoint.MESSAGE)


def frame(msg_id: str, content: str, index: int, **more: Any) -> Request:
    body = {
        "input_mode": "replace",
        "input_state": 1,
        "index": index,
        "content_type": "text",
        "content_raw": content,
        "msg_id": msg_id,
        "msg_seq": 1,
    }
    return Request("POST", USER.stream_path, body | more, Endpoint.STREAM)


def shown(sim: Simulator) -> list[str]:
    return [bubble["text"] for bubble in sim.screen(DEMO_APP_ID, "c2c", "USER1") if bubble["from"] == "bot"]


async def test_a_message_arrives(sim: Simulator, client: QQClient) -> None:
    msg_id = await sim.say(DEMO_APP_ID, "USER1", "hi")
    answer = await client.send(text(msg_id))
    assert isinstance(answer, Accepted)
    assert answer.id
    assert answer.exchange.trace_id
    assert shown(sim) == ["你好"]
    assert sim.violations() == []


async def test_a_stream_arrives(sim: Simulator, client: QQClient) -> None:
    sim.switches.stream_pacing = 0.0
    msg_id = await sim.say(DEMO_APP_ID, "USER1", "hi")
    first = await client.send(frame(msg_id, "你好，", 0))
    assert isinstance(first, Accepted)
    second = await client.send(frame(msg_id, "你好，世界", 1, stream_msg_id=first.id))
    assert isinstance(second, Accepted)
    last = await client.send(frame(msg_id, "你好，世界。", 2, stream_msg_id=first.id, input_state=10))
    assert isinstance(last, Accepted)
    assert shown(sim) == ["你好，世界。"]


async def test_refusals_of_the_stream(sim: Simulator, client: QQClient) -> None:
    sim.switches.stream_pacing = 0.0
    msg_id = await sim.say(DEMO_APP_ID, "USER1", "hi")
    first = await client.send(frame(msg_id, "你好，", 1))
    assert isinstance(first, Accepted)
    index = await client.send(frame(msg_id, "你好，世", 1, stream_msg_id=first.id))
    assert react(index) is Reaction.INDEX
    assert index.exchange.http_status == 404
    prefix = await client.send(frame(msg_id, "再见", 6, stream_msg_id=first.id))
    assert react(prefix) is Reaction.PREFIX
    assert prefix.exchange.err_code == 40113003
    other = await client.send(frame(msg_id, "另一条", 0, msg_seq=2))
    assert isinstance(other, Throttled)
    assert other.code == 40034021
    duplicate = await client.send(frame(msg_id, "你好，世", 0))
    assert react(duplicate) is Reaction.DUPLICATE


async def test_refusals_of_messages(sim: Simulator, client: QQClient) -> None:
    msg_id = await sim.say(DEMO_APP_ID, "USER1", "hi")
    assert isinstance(await client.send(text(msg_id)), Accepted)
    assert react(await client.send(text(msg_id))) is Reaction.DUPLICATE
    assert react(await client.send(text("ROBOT1.0_foreign", seq=2))) is Reaction.REFERENCE
    sim.clock.advance(3_700)
    assert react(await client.send(text(msg_id, seq=3))) is Reaction.REFERENCE
    sim.switches.native_markdown = False
    fresh = await sim.say(DEMO_APP_ID, "USER1", "hi")
    markdown = {"msg_type": 2, "markdown": {"content": "# hi"}, "msg_id": fresh, "msg_seq": 1}
    answer = await client.send(Request("POST", USER.messages_path, markdown, Endpoint.MESSAGE))
    assert react(answer) is Reaction.MARKDOWN


@pytest.mark.parametrize(
    ("fault", "kind", "delivered"),
    [
        ({"fault": "system_busy"}, Unknown, False),
        ({"fault": "throttled"}, Throttled, False),
        ({"fault": "reset"}, Unknown, False),
        ({"fault": "reset", "when": "after"}, Unknown, True),
        ({"fault": "hang", "seconds": 5}, Unknown, True),
        ({"fault": "slow", "seconds": 0.1}, Accepted, True),
        ({"fault": "html_413"}, Refused, False),
        ({"fault": "html_502"}, Unknown, False),
        ({"fault": "no_message"}, Refused, False),
        ({"fault": "ok_with_code"}, Refused, False),
        ({"fault": "json_string"}, Unknown, True),
        ({"fault": "json_null"}, Unknown, True),
        ({"fault": "json_list"}, Unknown, True),
        ({"fault": "audit_202"}, InReview, False),
        ({"fault": "audit_201"}, InReview, False),
        ({"fault": "undelivered"}, Accepted, False),
        ({"fault": "empty_body"}, Unknown, True),
        ({"fault": "wrong_content_type"}, Accepted, True),
        ({"fault": "charset"}, Accepted, True),
        ({"fault": "code", "code": 40034017, "status": 400}, Refused, False),
        ({"fault": "code", "code": 50055002, "status": 500}, Refused, False),
        ({"fault": "token_expired"}, Accepted, True),
        ({"fault": "ip_refused"}, Refused, False),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else "",
)
async def test_every_fault_is_one_typed_answer(
    sim: Simulator, client: QQClient, fault: dict[str, Any], kind: type, delivered: bool
) -> None:
    msg_id = await sim.say(DEMO_APP_ID, "USER1", "hi")
    sim.faults.set({"endpoint": "message", "count": 1, **fault})
    answer = await client.send(text(msg_id))
    assert isinstance(answer, kind)
    assert shown(sim) == (["你好"] if delivered else [])


async def test_an_unknown_outcome_repeated_with_its_pair_is_not_shown_twice(sim: Simulator, client: QQClient) -> None:
    msg_id = await sim.say(DEMO_APP_ID, "USER1", "hi")
    sim.faults.set({"fault": "reset", "when": "after", "endpoint": "message", "count": 1})
    assert isinstance(await client.send(text(msg_id)), Unknown)
    assert react(await client.send(text(msg_id))) is Reaction.DUPLICATE
    assert shown(sim) == ["你好"]


async def test_an_upload_and_its_message(sim: Simulator, client: QQClient) -> None:
    msg_id = await sim.say(DEMO_APP_ID, "USER1", "hi")
    upload = await client.send(upload_request(USER, MediaItem(MediaKind.IMAGE, data=PNG)))
    assert isinstance(upload, Accepted)
    media = {"msg_type": 7, "media": {"file_info": upload.data["file_info"]}, "msg_id": msg_id, "msg_seq": 1}
    answer = await client.send(Request("POST", USER.messages_path, media, Endpoint.MESSAGE))
    assert isinstance(answer, Accepted)
    (bubble,) = [each for each in sim.screen(DEMO_APP_ID, "c2c", "USER1") if each["from"] == "bot"]
    assert bubble["media"]


async def test_an_address_the_platform_cannot_reach(sim: Simulator, client: QQClient) -> None:
    item = MediaItem(MediaKind.IMAGE, url=f"{sim.url}/nothing.png")
    answer = await client.send(upload_request(USER, item, allow_private=True))
    assert isinstance(answer, Refused)
    assert answer.code == 850026


async def test_who_we_are_and_where_events_come_from(sim: Simulator, client: QQClient) -> None:
    me = await client.me()
    assert me.id
    assert me.name
    gateway = await client.gateway_url()
    assert gateway.url.startswith("ws://")
    assert gateway.remaining == 1_000


async def test_a_wrong_secret(sim: Simulator) -> None:
    client = QQClient(at(sim, secret="wrong"))
    with pytest.raises(TokenRefused) as caught:
        await client.me()
    assert caught.value.permanent
    answer = await client.send(text("m"))
    assert isinstance(answer, Refused)
    assert answer.code == caught.value.code
    await client.close()


async def test_an_ip_that_is_not_listed(sim: Simulator, client: QQClient) -> None:
    sim.switches.ip_refused = True
    with pytest.raises(ApiRefused) as caught:
        await client.me()
    assert caught.value.code == 11298
    assert caught.value.permanent


async def test_a_number_for_a_lifetime(sim: Simulator, client: QQClient) -> None:
    sim.switches.expires_in = "number"
    assert (await client.me()).id


async def test_the_platforms_rate_is_never_met(sim: Simulator) -> None:
    client = QQClient(at(sim), pace=Pace(), timeouts=Timeouts())
    sim.switches.c2c_limit = None
    msg_id = await sim.say(DEMO_APP_ID, "USER1", "hi")
    answers = await asyncio.gather(*(client.send(text(msg_id, seq=n)) for n in range(1, 181)))
    assert {type(answer) for answer in answers} == {Accepted}
    await client.close()
