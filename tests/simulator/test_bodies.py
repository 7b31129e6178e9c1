"""Message bodies: sheet 3.2, 3.3, 3.7 and the refusals of 6.1 that look at the body."""

from typing import Any

import aiohttp
import pytest
from bot_caller import CHANNEL, GROUP, USER, BotCaller

from simulator import Simulator


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"content": ""}, (400, 50006)),
        ({"content": None}, (400, 50006)),
        ({"content": 5}, (400, 50035)),
        ({"msg_type": 1}, (400, 340069)),
        ({"msg_type": 4}, (400, 340069)),
        ({"markdown": {"content": "x"}}, (400, 22006)),
        ({"msg_type": 2}, (400, 40034011)),
        ({"msg_type": 2, "markdown": {"content": ""}}, (400, 40034011)),
        ({"msg_type": 2, "markdown": {"custom_template_id": "1"}}, (400, 40034127)),
        ({"msg_type": 2, "markdown": {"custom_template_id": "1", "content": "x"}}, (400, 50057)),
        ({"msg_type": 3}, (400, 22006)),
        ({"msg_type": 3, "ark": {"template_id": 23}}, (400, 304004)),
        ({"msg_type": 6}, (400, 22006)),
        ({"msg_type": 6, "input_notify": {"input_type": 2, "input_second": 5}}, (400, 50059)),
        ({"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 61}}, (400, 50059)),
        ({"msg_seq": -1}, (400, 50035)),
        ({"keyboard": {}}, (400, 50035)),
        ({"keyboard": {"content": {"rows": [{}] * 6}}}, (400, 40034029)),
        ({"keyboard": {"content": {"rows": [{"buttons": [{"render_data": {"label": "x" * 11}}]}]}}}, (400, 50035)),
        (
            {"keyboard": {"content": {"rows": [{"buttons": [{"render_data": {"label": "x", "style": 2}}]}]}}},
            (400, 305007),
        ),
    ],
)
async def test_what_is_no_message(qq: BotCaller, body: dict[str, Any], refused: tuple[int, int]) -> None:
    reply = await qq.message(**body)
    assert reply.refused == refused
    assert qq.screen() == []


async def test_markdown_is_open_to_all_and_content_beside_it_ignored(qq: BotCaller, sim: Simulator) -> None:
    assert (await qq.message(msg_type=2, content="不看", markdown={"content": "# 看"})).status == 200
    assert qq.screen() == [("# 看", "done")]
    sim.switches.content_with_markdown = "refuse"
    assert (await qq.message(msg_type=2, content="不看", markdown={"content": "# 看"})).code == 50037


async def test_native_markdown_may_be_refused(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.native_markdown = False
    reply = await qq.message(msg_type=2, markdown={"content": "# 看"})
    assert reply.refused == (400, 40034012)
    assert reply.body["message"] == "不允许发送原生 markdown"


async def test_unused_fields_may_be_null(qq: BotCaller) -> None:
    nothing = dict.fromkeys(("embed", "ark", "message_reference", "media", "event_id", "markdown", "keyboard"))
    assert (await qq.message(openid=USER, msg_id=await qq.said(), **nothing)).status == 200


async def test_the_answer_of_an_accepted_message(qq: BotCaller, sim: Simulator) -> None:
    reply = await qq.message()
    assert reply.body["id"].startswith("ROBOT1.0_")
    assert reply.body["timestamp"].endswith("+08:00")
    assert reply.body["ext_info"]["ref_idx"].startswith("REFIDX_")
    sim.switches.timestamp, sim.switches.omit_ext_info = "int", True
    reply = await qq.message()
    assert isinstance(reply.body["timestamp"], int)
    assert "ext_info" not in reply.body


async def test_every_refusal_carries_both_codes_and_the_trace_id(qq: BotCaller) -> None:
    reply = await qq.message(msg_id="garbage")
    assert reply.body["code"] == reply.body["err_code"] == 40034024
    assert reply.body["trace_id"] == reply.headers["X-Tps-trace-ID"]
    assert reply.headers["Content-Type"] == "application/json"
    assert (await qq.message()).headers["X-Tps-trace-ID"]


async def test_typing_is_private(qq: BotCaller) -> None:
    typing = {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 60}}
    msg_id = await qq.said(target=GROUP, scene="group")
    assert (await qq.message(GROUP, group=True, msg_id=msg_id, **typing)).refused == (400, 22006)
    assert (await qq.message(msg_id=await qq.said(), **typing)).body["id"]


@pytest.mark.parametrize("text", ["看 https://example.com/a", "装 install.sh", "见 README.md", "example.com"])
async def test_groups_refuse_what_looks_like_an_address(qq: BotCaller, sim: Simulator, text: str) -> None:
    msg_id = await qq.said(target=GROUP, scene="group")
    assert (await qq.message(GROUP, group=True, msg_id=msg_id, content=text)).refused == (400, 40054010)
    assert (await qq.message(msg_id=await qq.said(), content=text)).status == 200
    sim.switches.group_urls = "accept"
    assert (await qq.message(GROUP, group=True, msg_id=msg_id, content=text)).status == 200


@pytest.mark.parametrize("text", ["3.14 和 e.g. 都行", "a.b", "结束。然后"])
async def test_groups_take_ordinary_dots(qq: BotCaller, text: str) -> None:
    msg_id = await qq.said(target=GROUP, scene="group")
    assert (await qq.message(GROUP, group=True, msg_id=msg_id, content=text)).status == 200


async def test_a_registered_host_may_be_named_in_groups(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.registered_hosts = ["example.com"]
    msg_id = await qq.said(target=GROUP, scene="group")
    reply = await qq.message(GROUP, group=True, msg_id=msg_id, content="https://example.com/a")
    assert reply.status == 200


async def test_long_text_passes_unless_a_limit_is_set(qq: BotCaller, sim: Simulator) -> None:
    assert (await qq.message(content="好" * 32_000)).status == 200
    sim.switches.max_text_chars = 10
    assert (await qq.message(content="好" * 11)).refused == (400, 40054007)


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b"\xff\xfe"])
async def test_a_body_that_is_no_json_object(qq: BotCaller, sim: Simulator, raw: bytes) -> None:
    headers = {"Authorization": f"QQBot {qq.token}", "Content-Type": "application/json"}
    url = f"{sim.url}/v2/users/{USER}/messages"
    async with qq.http.post(url, data=raw, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, 50035)


async def test_a_hundred_messages_a_second(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.c2c_limit = None
    msg_id = await qq.said()
    statuses = [(await qq.message(msg_id=msg_id, msg_seq=n)).status for n in range(101)]
    assert statuses == [200] * 100 + [429]
    sim.clock.advance(1)
    assert (await qq.message(msg_id=msg_id, msg_seq=200)).status == 200


async def test_recall_within_two_minutes(qq: BotCaller, sim: Simulator) -> None:
    first, second = (await qq.message()).body["id"], (await qq.message()).body["id"]
    at = f"/v2/users/{USER}/messages"
    assert (await qq.call("DELETE", f"{at}/{first}")).status == 204
    assert qq.screen() == [("消息已撤回", "recalled"), ("好的", "done")]
    assert (await qq.call("DELETE", f"{at}/unknown")).refused == (400, 40061001)
    assert (await qq.call("DELETE", f"/v2/groups/{GROUP}/messages/{second}")).refused == (400, 40062003)
    sim.clock.advance(121)
    assert (await qq.call("DELETE", f"{at}/{second}")).refused == (400, 40064004)


async def test_a_button_waits_five_seconds(qq: BotCaller, sim: Simulator) -> None:
    for wait, status in ((5, 204), (6, 400)):
        pressed = await sim.happen(qq.app_id, "INTERACTION_CREATE", USER, button_data="好")
        sim.clock.advance(wait)
        reply = await qq.call("PUT", f"/interactions/{pressed['d']['id']}", {"code": 0})
        assert reply.status == status


@pytest.fixture
def guild(sim: Simulator) -> str:
    sim.switches.guild_needs_gateway = False
    return f"/channels/{CHANNEL}/messages"


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, (400, 50006)),
        ({"content": "x", "msg_type": 0}, (400, 50035)),
        ({"content": "x", "msg_seq": 1}, (400, 50035)),
        ({"media": {"file_info": "x"}}, (400, 50035)),
        ({"markdown": {"content": "x"}}, (400, 50056)),
        ({"markdown": {"content": "x"}, "message_reference": {"message_id": "1"}}, (500, 304041)),
        ({"content": "x", "msg_id": "garbage"}, (400, 304026)),
    ],
)
async def test_what_is_no_guild_message(
    qq: BotCaller, guild: str, body: dict[str, Any], refused: tuple[int, int]
) -> None:
    assert (await qq.post(guild, body)).refused == refused


async def test_a_guild_answers_with_a_whole_message(qq: BotCaller, guild: str) -> None:
    reply = await qq.post(guild, {"content": "早", "embed": None, "channel_id": CHANNEL})
    assert (reply.body["content"], reply.body["channel_id"]) == ("早", CHANNEL)
    assert qq.screen("guild", CHANNEL) == [("早", "done")]


async def test_a_guild_takes_an_image_as_a_form(qq: BotCaller, guild: str, sim: Simulator) -> None:
    form = aiohttp.FormData()
    form.add_field("content", "图")
    form.add_field("file_image", b"\x89PNG..", filename="x.png")
    headers = {"Authorization": f"QQBot {qq.token}"}
    async with qq.http.post(sim.url + guild, data=form, headers=headers) as answer:
        assert answer.status == 200
    assert sim.screen(qq.app_id, "guild", CHANNEL)[-1]["media"]["size"] == 6


async def test_a_channel_takes_five_a_second(qq: BotCaller, guild: str) -> None:
    msg_id = await qq.said(target=CHANNEL, scene="guild")
    codes = [(await qq.post(guild, {"content": "早", "msg_id": msg_id})).refused for _ in range(6)]
    assert codes == [(200, None)] * 5 + [(429, 20028)]


async def test_a_channel_that_does_not_exist(qq: BotCaller, guild: str) -> None:
    reply = await qq.post("/channels/no-number/messages", {"content": "x"})
    assert (reply.status, reply.body["message"]) == (400, "频道不存在")


async def test_a_channel_needs_a_live_gateway(qq: BotCaller, sim: Simulator) -> None:
    assert (await qq.post(f"/channels/{CHANNEL}/messages", {"content": "x"})).refused == (400, 304018)


async def test_a_guild_dm_is_opened_first(qq: BotCaller, guild: str) -> None:
    opened = await qq.post("/users/@me/dms", {"recipient_id": "1001", "source_guild_id": "1"})
    assert (await qq.post(f"/dms/{opened.body['guild_id']}/messages", {"content": "早"})).status == 200
