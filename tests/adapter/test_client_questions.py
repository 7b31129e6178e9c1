"""What the client asks QQ beside sending: who it is, where the gateway is, and botpy's own calls."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from odd_platform import Platform, never, reply

from adapter.client import GatewayInfo, QQClient
from adapter.errors import AdapterError, ApiRefused, ApiUnreachable, TokenRefused
from adapter.request import Endpoint, Request, endpoint_of

MESSAGE = Request("POST", "/v2/users/U1/messages", {"content": "你好", "msg_type": 0}, Endpoint.MESSAGE)
STREAM = Request("POST", "/v2/users/U1/stream_messages", {"content_raw": "x"}, Endpoint.STREAM)


async def test_me(client: QQClient, platform: Platform) -> None:
    platform.answers = [{"id": 177, "username": "小机器人", "avatar": "https://a/b.png"}]
    me = await client.me()
    assert (me.id, me.name, me.avatar) == ("177", "小机器人", "https://a/b.png")
    platform.answers = [{"username": "nobody"}]
    with pytest.raises(ApiUnreachable):
        await client.me()


async def test_the_gateway_address(client: QQClient, platform: Platform) -> None:
    platform.answers = [
        {
            "url": "wss://gateway/ws",
            "shards": 2,
            "session_start_limit": {"remaining": 3, "reset_after": 5000, "max_concurrency": 1, "total": 1000},
        },
        reply({"message": "not found"}, 404),
        {"url": "ws://plain/ws"},
    ]
    assert await client.gateway_url() == GatewayInfo("wss://gateway/ws", 2, 3, 5.0, 1)
    assert await client.gateway_url() == GatewayInfo("ws://plain/ws")
    assert [seen.path for seen in platform.seen] == ["/gateway/bot", "/gateway/bot", "/gateway"]
    platform.answers = [{"url": "javascript:alert(1)"}]
    with pytest.raises(ApiUnreachable):
        await client.gateway_url()


@pytest.mark.parametrize(
    ("response", "error", "code"),
    [
        (reply({"code": 11298, "message": "白名单"}, 401), ApiRefused, 11298),
        (reply({"message": "接口调用超过频率限制"}, 400), ApiRefused, None),
        (reply({"message": "系统繁忙"}, 500), ApiUnreachable, None),
        (reply(b"<html>", 502), ApiUnreachable, None),
    ],
    ids=["ip", "often", "busy", "html"],
)
async def test_questions_raise(
    client: QQClient, platform: Platform, response: web.Response, error: type[AdapterError], code: int | None
) -> None:
    platform.answers = [response]
    with pytest.raises(error) as caught:
        await client.gateway_url()
    assert caught.value.code == code
    platform.token_answers = [{"code": 100007}]
    client.refuse_token("QQBot token-1")
    with pytest.raises(TokenRefused):
        await client.me()


async def test_botpys_calls_work_over_our_http(client: QQClient, platform: Platform) -> None:
    message = await client.api.post_c2c_message(openid="U/1", content="hi", msg_id="m", msg_seq=3)
    assert message == {"id": "m"}
    (seen,) = platform.seen
    assert seen.path == "/v2/users/U%2F1/messages"
    assert seen.body == {"msg_type": 0, "content": "hi", "msg_id": "m", "msg_seq": 3}
    await client.api.get_message(channel_id="c", message_id="1")
    await client.api.recall_message(channel_id="c", message_id="1", hidetip=True)
    assert [one.path for one in platform.seen[1:]] == [
        "/channels/c/messages/1",
        "/channels/c/messages/1?hidetip=true",
    ]
    assert platform.seen[1].raw == b""


async def test_botpys_image_upload(client: QQClient, platform: Platform) -> None:
    await client.api.post_message(channel_id="c", content="hi", file_image=b"\x89PNG")
    (seen,) = platform.seen
    assert seen.headers["Content-Type"].startswith("multipart/form-data")
    assert b"\x89PNG" in seen.raw


async def test_botpys_calls_raise_with_the_code(client: QQClient, platform: Platform) -> None:
    platform.answers = [reply({"code": 40054005, "message": "消息被去重", "trace_id": "t"}, 400)]
    with pytest.raises(ApiRefused, match="消息被去重") as caught:
        await client.api.post_group_message(group_openid="g", content="hi")
    assert (caught.value.code, caught.value.trace_id, caught.value.http_status) == (40054005, "t", 400)
    platform.answers = [never]
    with pytest.raises(ApiUnreachable):
        await client.api.post_group_message(group_openid="g", content="hi")


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/v2/users/u/stream_messages", Endpoint.STREAM),
        ("POST", "/channels/c/messages", Endpoint.MESSAGE),
        ("POST", "/v2/groups/g/files", Endpoint.FILES),
        ("POST", "/v2/groups/g/upload_prepare", Endpoint.PREPARE),
        ("POST", "/v2/groups/g/upload_part_finish", Endpoint.PART_FINISH),
        ("DELETE", "/v2/users/u/messages/m", Endpoint.RECALL),
        ("GET", "/users/@me", Endpoint.OTHER),
        ("PUT", "/interactions/i", Endpoint.OTHER),
    ],
)
def test_calls_fall_under_their_limit(method: str, path: str, endpoint: Endpoint) -> None:
    assert endpoint_of(method, path) is endpoint


def test_json_is_compact() -> None:
    from adapter.wire import encode

    assert encode({"a": ["字", 1]}) == '{"a":["字",1]}'.encode()
    assert json.loads(encode({"a": "\udc00"})) == {"a": "\udc00"}
