"""Streaming by the `stream` object: every rule and code of sheet 4.1."""

import pytest
from bot_caller import GROUP, USER, BotCaller, Reply

from simulator import Simulator

BUTTONS = {"content": {"rows": [{"buttons": [{"render_data": {"label": "再来"}}]}]}}


async def open_stream(qq: BotCaller, text: str = "你好，", **body: object) -> tuple[str, str]:
    """Open a stream; return its id and the msg_id it answers."""
    msg_id = await qq.said()
    reply = await qq.delta(text, msg_id=msg_id, **body)  # type: ignore[arg-type]
    assert reply.status == 200, reply.body
    return reply.body["id"], msg_id


async def test_deltas_are_put_together_and_share_one_id(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    middle = await qq.delta("我是AI", index=1, id=stream, msg_id=msg_id)
    assert middle.body["id"] == stream
    assert qq.screen() == [("你好，我是AI", "streaming")]
    await qq.delta("。\n", index=2, state=10, id=stream, msg_id=msg_id)
    assert qq.screen() == [("你好，我是AI。\n", "done")]


async def test_cumulative_text_shows_twice(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq, "你好")
    await qq.delta("你好，我", index=1, id=stream, msg_id=msg_id)
    assert qq.screen() == [("你好你好，我", "streaming")]


async def test_it_may_answer_an_event_as_in_the_official_example(qq: BotCaller, sim: Simulator) -> None:
    event = await sim.happen(qq.app_id, "C2C_MESSAGE_CREATE", USER)
    opened = await qq.delta("你好", event_id=event["event_id"])
    closed = await qq.delta("\n", index=1, state=10, id=opened.body["id"], event_id=event["event_id"])
    assert (opened.status, closed.status) == (200, 200)


@pytest.mark.parametrize("empty", [None, ""])
async def test_an_id_that_is_there_but_empty_is_refused(qq: BotCaller, empty: str | None) -> None:
    body = {"msg_type": 2, "markdown": {"content": "你好"}, "msg_id": await qq.said()}
    body["stream"] = {"state": 1, "index": 0, "id": empty}
    assert (await qq.post(f"/v2/users/{USER}/messages", body)).refused == (400, 50035)


async def test_every_frame_needs_a_new_msg_seq(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    again = await qq.delta("世界", index=1, id=stream, msg_id=msg_id, msg_seq=1)
    assert again.refused == (400, 40054005)


async def test_a_repeated_closing_frame_is_a_duplicate_before_it_is_too_late(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    for expected in (None, 40054005):
        assert (await qq.delta("\n", index=1, state=10, id=stream, msg_id=msg_id)).code == expected


@pytest.mark.parametrize("first", [0, 1])
async def test_the_index_starts_at_either_by_default(qq: BotCaller, first: int) -> None:
    assert (await qq.delta("你好", index=first, msg_id=await qq.said())).status == 200


@pytest.mark.parametrize(("base", "index", "status"), [("0", 0, 200), ("0", 1, 404), ("1", 0, 404), ("1", 1, 200)])
async def test_where_the_index_starts_is_a_switch(
    qq: BotCaller, sim: Simulator, base: str, index: int, status: int
) -> None:
    sim.switches.legacy_index_base = base
    assert (await qq.delta("你好", index=index, msg_id=await qq.said())).status == status


async def test_the_index_increases(qq: BotCaller, sim: Simulator) -> None:
    stream, msg_id = await open_stream(qq)
    again = await qq.delta("甲", index=0, id=stream, msg_id=msg_id, msg_seq=9)
    assert again.refused == (404, 40006)
    sim.switches.legacy_index_gaps = False
    assert (await qq.delta("乙", index=5, id=stream, msg_id=msg_id)).code == 40006


@pytest.mark.parametrize("state", [0, 2, 6, 16, 21, None, "1"])
async def test_only_the_named_states_exist(qq: BotCaller, state: object) -> None:
    reply = await qq.delta("你好\n", state=state, msg_id=await qq.said())  # type: ignore[arg-type]
    assert reply.refused == (400, 50035)


async def test_buttons_come_after_the_text_has_ended(qq: BotCaller, sim: Simulator) -> None:
    stream, msg_id = await open_stream(qq)
    early = await qq.delta("", index=1, state=11, id=stream, msg_id=msg_id, keyboard=BUTTONS, markdown=None)
    assert early.refused == (400, 50035)
    for index, state in ((2, 10), (3, 11), (4, 20)):
        reply = await qq.delta("\n", index=index, state=state, id=stream, msg_id=msg_id, keyboard=BUTTONS)
        assert reply.status == 200
    assert sim.screen(qq.app_id, "c2c", USER)[-1]["keyboard"] == BUTTONS


async def test_40034019_after_the_guide_has_ended(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    for index, state in ((1, 10), (2, 11), (3, 20)):
        await qq.delta("\n", index=index, state=state, id=stream, msg_id=msg_id, keyboard=BUTTONS)
    late = await qq.delta("\n", index=4, state=20, id=stream, msg_id=msg_id)
    assert late.refused == (400, 40034019)


async def test_reset_starts_the_text_again_while_it_is_unfinished(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    await qq.delta("错了", index=1, id=stream, msg_id=msg_id)
    again = await qq.delta("再来：", index=0, id=stream, reset=True, msg_id=msg_id, msg_seq=10)
    assert again.status == 200
    await qq.delta("对\n", index=1, state=10, id=stream, msg_id=msg_id, msg_seq=11)
    assert qq.screen() == [("再来：对\n", "done")]
    late = await qq.delta("x\n", index=0, state=10, id=stream, reset=True, msg_id=msg_id, msg_seq=12)
    assert late.refused == (400, 40034018)


async def test_reset_needs_an_id(qq: BotCaller) -> None:
    assert (await qq.delta("你好", reset=True, msg_id=await qq.said())).refused == (400, 50035)


async def test_reset_on_the_closing_frame_replaces_the_whole_text(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    await qq.delta("全文\n", index=0, state=10, id=stream, reset=True, msg_id=msg_id, msg_seq=2)
    assert qq.screen() == [("全文\n", "done")]


async def test_40034016_msg_type_stays_the_same(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    other = await qq.delta("x", index=1, id=stream, msg_id=msg_id, msg_type=0)
    assert other.refused == (400, 40034016)


async def test_plain_text_streams_too_and_needs_no_newline(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq, "你好", msg_type=0)
    await qq.delta("。", index=1, state=10, id=stream, msg_id=msg_id, msg_type=0)
    assert qq.screen() == [("你好。", "done")]


async def test_40034017_a_closing_markdown_frame_ends_with_a_newline(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    refused = await qq.delta("完", index=1, state=10, id=stream, msg_id=msg_id)
    assert refused.refused == (400, 40034017)
    assert refused.body["message"] == "流式消息md分片需要\\n结束"
    assert (await qq.delta("完\n", index=2, state=10, id=stream, msg_id=msg_id)).status == 200


@pytest.mark.parametrize(("accepted", "status"), [(False, 400), (True, 200)])
async def test_an_empty_closing_frame_is_a_switch(qq: BotCaller, sim: Simulator, accepted: bool, status: int) -> None:
    sim.switches.legacy_empty_close = accepted
    stream, msg_id = await open_stream(qq)
    assert (await qq.delta("", index=1, state=10, id=stream, msg_id=msg_id)).status == status


@pytest.mark.parametrize(("rule", "middle", "closing"), [("every", 400, 400), ("none", 200, 200)])
async def test_which_frames_need_the_newline_is_a_switch(
    qq: BotCaller, sim: Simulator, rule: str, middle: int, closing: int
) -> None:
    sim.switches.legacy_newline = rule
    stream, msg_id = await open_stream(qq, "你好\n")
    assert (await qq.delta("甲", index=1, id=stream, msg_id=msg_id)).status == middle
    assert (await qq.delta("乙", index=2, state=10, id=stream, msg_id=msg_id)).status == closing


async def test_40034018_after_the_end(qq: BotCaller, sim: Simulator) -> None:
    stream, msg_id = await open_stream(qq)
    await qq.delta("\n", index=1, state=10, id=stream, msg_id=msg_id)
    assert (await qq.delta("还有", index=2, id=stream, msg_id=msg_id)).refused == (400, 40034018)
    assert (await qq.delta("\n", index=3, state=10, id=stream, msg_id=msg_id)).refused == (400, 40034018)
    assert [each["rule"] for each in sim.violations()] == ["second_closing_frame"]


async def test_an_unclosed_stream_rolls_back_to_its_first_frame(qq: BotCaller, sim: Simulator) -> None:
    stream, msg_id = await open_stream(qq, "五个字的话")
    await qq.delta("后面还有八百多字", index=1, id=stream, msg_id=msg_id)
    sim.clock.advance(59)
    assert qq.screen() == [("五个字的话后面还有八百多字", "streaming")]
    sim.clock.advance(1)
    assert qq.screen() == [("五个字的话", "rolled_back")]
    assert [each["rule"] for each in sim.violations()] == ["stream_left_open"]


async def test_40034020_a_frame_after_the_time_out(qq: BotCaller, sim: Simulator) -> None:
    stream, msg_id = await open_stream(qq)
    sim.clock.advance(sim.switches.legacy_timeout)
    assert (await qq.delta("晚了", index=1, id=stream, msg_id=msg_id)).refused == (400, 40034020)


async def test_40034021_one_stream_a_user(qq: BotCaller) -> None:
    await open_stream(qq)
    second = await qq.delta("又来", msg_id=await qq.said())
    assert second.refused == (400, 40034021)
    assert second.body["message"] == "其它流式消息发送中"
    other_dialect = await qq.frame("又来", msg_id=await qq.said())
    assert other_dialect.refused == (400, 40034021)


async def test_40034022_a_frame_of_a_superseded_stream(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.legacy_second_stream = "supersedes"
    old, msg_id = await open_stream(qq, "旧的")
    await open_stream(qq, "新的")
    assert (await qq.delta("晚了", index=1, id=old, msg_id=msg_id)).refused == (400, 40034022)


async def test_40054014_a_frame_too_long(qq: BotCaller, sim: Simulator) -> None:
    msg_id = await qq.said()
    assert (await qq.delta("好" * 1366, msg_id=msg_id)).refused == (400, 40054014)  # 4098 bytes
    assert (await qq.delta("好" * 1365, msg_id=msg_id)).status == 200
    sim.switches.legacy_frame_bytes = None


async def test_40054015_too_many_frames(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.legacy_frame_limit = 2
    stream, msg_id = await open_stream(qq)
    assert (await qq.delta("二", index=1, id=stream, msg_id=msg_id)).status == 200
    assert (await qq.delta("三", index=2, id=stream, msg_id=msg_id)).refused == (400, 40054015)


async def test_media_has_no_place_in_a_stream(qq: BotCaller) -> None:
    info = (await qq.media()).body["file_info"]
    reply = await qq.delta("x", msg_id=await qq.said(), msg_type=7, media={"file_info": info})
    assert reply.refused == (400, 22006)


async def test_a_quick_empty_close_may_show_nothing(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.legacy_quick_empty_close_shows_nothing = True
    stream, msg_id = await open_stream(qq, "一大段话")
    await qq.delta("\n", index=1, state=10, id=stream, msg_id=msg_id)
    assert qq.screen() == [("", "done")]


async def test_a_stream_needs_something_to_answer(qq: BotCaller) -> None:
    assert (await qq.delta("你好")).refused == (400, 40034024)
    stream, _ = await open_stream(qq)
    assert (await qq.delta("你好", index=1, id=stream)).refused == (400, 40034024)


async def test_ordinary_refusals_hold_in_a_stream(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.moderated_words, sim.switches.c2c_limit = ["禁"], 1
    stream, msg_id = await open_stream(qq)
    assert (await qq.delta("禁", index=1, id=stream, msg_id=msg_id)).refused == (400, 40034006)
    await qq.delta("\n", index=2, state=10, id=stream, msg_id=msg_id)
    assert (await qq.delta("又", msg_id=msg_id, msg_seq=9)).refused == (400, 40034128)


async def test_groups_take_no_stream(qq: BotCaller) -> None:
    msg_id = await qq.said(target=GROUP, scene="group")
    reply: Reply = await qq.message(GROUP, group=True, msg_id=msg_id, stream={"state": 1, "index": 0})
    assert reply.refused == (400, 50035)
    assert reply.body["message"] == "群消息不支持流式参数"


async def test_botpy_may_send_null_for_stream(qq: BotCaller) -> None:
    assert (await qq.message(msg_id=await qq.said(), stream=None)).status == 200
