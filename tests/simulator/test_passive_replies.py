"""Passive replies: sheet 3.4 (limits and windows), 3.5 (de-duplication), 8.3 (order of checks)."""

import pytest
from bot_caller import CHANNEL, GROUP, USER, BotCaller

from simulator import Simulator

TYPING = {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 30}}


async def test_a_private_message_may_be_answered_four_times(qq: BotCaller) -> None:
    msg_id = await qq.said()
    for seq in range(1, 5):
        assert (await qq.message(msg_id=msg_id, msg_seq=seq)).status == 200
    assert (await qq.message(msg_id=msg_id, msg_seq=5)).refused == (400, 40034128)


@pytest.mark.parametrize("limit", [5, 6, None])
async def test_the_private_limit_is_a_switch(qq: BotCaller, sim: Simulator, limit: int | None) -> None:
    sim.switches.c2c_limit = limit
    msg_id = await qq.said()
    statuses = [(await qq.message(msg_id=msg_id, msg_seq=seq)).status for seq in range(1, 9)]
    assert statuses.count(200) == (8 if limit is None else limit)


async def test_the_older_wording_of_too_many_is_a_switch(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.c2c_limit, sim.switches.over_limit_code = 0, 22009
    assert (await qq.message(msg_id=await qq.said())).refused == (400, 22009)


async def test_a_private_message_may_be_answered_for_an_hour(qq: BotCaller, sim: Simulator) -> None:
    msg_id = await qq.said()
    sim.clock.advance(3600)
    assert (await qq.message(msg_id=msg_id)).status == 200
    sim.clock.advance(1)
    late = await qq.message(msg_id=msg_id, msg_seq=2)
    assert late.refused == (400, 40034005)
    assert late.body["message"] == "回复消息msg_id已过期"


async def test_a_group_message_may_be_answered_five_times_for_five_minutes(qq: BotCaller, sim: Simulator) -> None:
    msg_id = await qq.said(target=GROUP, scene="group")
    for seq in range(1, 6):
        assert (await qq.message(GROUP, group=True, msg_id=msg_id, msg_seq=seq)).status == 200
    assert (await qq.message(GROUP, group=True, msg_id=msg_id, msg_seq=6)).refused == (400, 40034128)
    sim.clock.advance(301)
    assert (await qq.message(GROUP, group=True, msg_id=msg_id, msg_seq=7)).refused == (400, 40034005)


@pytest.mark.parametrize(("scene", "path"), [("guild", "channels"), ("dm", "dms")])
async def test_a_guild_message_may_be_answered_for_five_minutes(
    qq: BotCaller, sim: Simulator, scene: str, path: str
) -> None:
    sim.switches.guild_needs_gateway = False
    msg_id = await qq.said(target=CHANNEL, scene=scene)
    body = {"content": "好的", "msg_id": msg_id}
    sim.clock.advance(300)
    assert (await qq.post(f"/{path}/{CHANNEL}/messages", body)).status == 200
    sim.clock.advance(1)
    assert (await qq.post(f"/{path}/{CHANNEL}/messages", body)).refused == (400, 304027)


@pytest.mark.parametrize("code", [304103, 304027])
async def test_the_code_for_an_expired_id_is_a_switch(qq: BotCaller, sim: Simulator, code: int) -> None:
    sim.switches.expired_code, sim.switches.c2c_window = code, 60
    msg_id = await qq.said()
    sim.clock.advance(61)
    assert (await qq.message(msg_id=msg_id)).refused == (400, code)


async def test_uploads_are_not_counted_but_media_messages_are(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.c2c_limit = 1
    msg_id = await qq.said()
    info = (await qq.media()).body["file_info"]
    await qq.media()
    media = {"msg_type": 7, "content": None, "media": {"file_info": info}}
    assert (await qq.message(**media, msg_id=msg_id)).status == 200
    assert (await qq.message(**media, msg_id=msg_id, msg_seq=2)).refused == (400, 40034128)


async def test_typing_takes_a_reply(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.c2c_limit = 1
    msg_id = await qq.said()
    assert (await qq.message(**TYPING, msg_id=msg_id)).status == 200
    assert (await qq.message(msg_id=msg_id, msg_seq=2)).refused == (400, 40034128)


async def test_an_opened_stream_takes_one_reply_and_its_frames_none(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.c2c_limit = 1
    msg_id = await qq.said()
    opened = await qq.frame("你好", msg_id=msg_id)
    for index in (1, 2, 3):
        sim.clock.advance(1)
        frame = await qq.frame("你好", index=index, msg_id=msg_id, stream_msg_id=opened.body["id"])
        assert frame.status == 200
    assert (await qq.message(msg_id=msg_id, msg_seq=2)).refused == (400, 40034128)


async def test_an_id_nobody_sent_is_refused(qq: BotCaller) -> None:
    reply = await qq.message(msg_id="ROBOT1.0_nonsense")
    assert reply.refused == (400, 40034024)
    assert reply.body["message"] == "请求参数msg_id无效或越权"


async def test_an_id_of_another_user_or_scene_is_refused(qq: BotCaller) -> None:
    private = await qq.said()
    grouped = await qq.said(target=GROUP, scene="group")
    assert (await qq.message("0" * 32, msg_id=private)).refused == (400, 40034024)
    assert (await qq.message(GROUP, group=True, msg_id=private)).refused == (400, 40034024)
    assert (await qq.message(msg_id=grouped)).refused == (400, 40034024)


async def test_the_bots_own_message_cannot_be_answered(qq: BotCaller) -> None:
    sent = await qq.message(msg_id=await qq.said())
    assert (await qq.message(msg_id=sent.body["id"])).refused == (400, 40034024)


async def test_an_event_may_be_answered_where_its_kind_allows(qq: BotCaller, sim: Simulator) -> None:
    event = await sim.happen(qq.app_id, "FRIEND_ADD", USER)
    assert (await qq.message(event_id=event["event_id"])).status == 200
    unanswerable = await sim.happen(qq.app_id, "FRIEND_DEL", USER)
    assert (await qq.message(event_id=unanswerable["event_id"])).refused == (400, 40034027)
    assert (await qq.message(event_id="FRIEND_ADD:made-up")).refused == (400, 40034025)
    sim.clock.advance(3601)
    assert (await qq.message(event_id=event["event_id"], msg_seq=2)).refused == (400, 40034026)


async def test_the_same_pair_is_refused_even_for_other_words(qq: BotCaller, sim: Simulator) -> None:
    msg_id = await qq.said()
    assert (await qq.message(msg_id=msg_id, msg_seq=7)).status == 200
    again = await qq.message(msg_id=msg_id, msg_seq=7)
    assert again.refused == (400, 40054005)
    assert again.body["message"] == "消息被去重，请检查请求msgseq"
    assert sim.violations() == []
    assert (await qq.message(msg_id=msg_id, msg_seq=7, content="别的")).refused == (400, 40054005)
    assert [each["rule"] for each in sim.violations()] == ["reused_pair"]
    assert qq.screen() == [("好的", "done")]


async def test_a_missing_msg_seq_means_one(qq: BotCaller) -> None:
    msg_id = await qq.said()
    assert (await qq.message(msg_id=msg_id)).status == 200
    assert (await qq.message(msg_id=msg_id, msg_seq=1, content="x")).refused == (400, 40054005)


async def test_the_same_number_for_another_message_is_another_pair(qq: BotCaller) -> None:
    for _ in range(2):
        assert (await qq.message(msg_id=await qq.said(), msg_seq=1)).status == 200


@pytest.mark.parametrize(("burn", "after"), [(False, 200), (True, 400)])
async def test_whether_a_refused_message_burns_its_pair_is_a_switch(
    qq: BotCaller, sim: Simulator, burn: bool, after: int
) -> None:
    sim.switches.burn_on_refusal, sim.switches.moderated_words = burn, ["禁"]
    msg_id = await qq.said()
    assert (await qq.message(msg_id=msg_id, content="禁")).refused == (400, 40034006)
    assert (await qq.message(msg_id=msg_id)).status == after


async def test_a_stream_and_a_message_share_one_namespace(qq: BotCaller) -> None:
    msg_id = await qq.said()
    assert (await qq.frame("你好", state=10, msg_id=msg_id, msg_seq=3)).status == 200
    assert (await qq.message(msg_id=msg_id, msg_seq=3)).refused == (400, 40054005)


async def test_checks_come_in_the_sheets_order(qq: BotCaller, sim: Simulator) -> None:
    """Body, then id, then expiry, then the pair, then the count, then the words."""
    sim.switches.moderated_words, sim.switches.c2c_limit = ["禁"], 1
    msg_id = await qq.said()
    assert (await qq.message(msg_id="garbage", content="")).code == 50006
    assert (await qq.message(msg_id=msg_id)).status == 200
    assert (await qq.message(msg_id=msg_id, content="禁")).code == 40054005
    assert (await qq.message(msg_id=msg_id, msg_seq=2, content="禁")).code == 40034128
    sim.clock.advance(3601)
    assert (await qq.message(msg_id=msg_id, content="禁")).code == 40034005


async def test_a_call_after_expiry_is_written_down(qq: BotCaller, sim: Simulator) -> None:
    msg_id = await qq.said()
    sim.clock.advance(3601)
    await qq.message(msg_id=msg_id)
    assert [each["rule"] for each in sim.violations()] == ["passive_after_expiry"]


@pytest.mark.parametrize("scene", ["c2c", "group"])
async def test_a_groups_id_on_the_user_path_is_an_invalid_request(qq: BotCaller, scene: str) -> None:
    target = GROUP if scene == "group" else USER
    await qq.said(target=target, scene=scene)
    reply = await qq.message(target, group=scene == "c2c")
    assert (reply.status, reply.body["message"]) == (500, "invalid request")
