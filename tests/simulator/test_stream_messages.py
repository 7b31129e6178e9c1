"""stream_messages: sheet 4.2.1 and all nineteen rows of 4.2.2, then what else 4.2 says."""

import uuid

import pytest
from bot_caller import GROUP, USER, BotCaller

from simulator import Simulator


async def open_stream(qq: BotCaller, text: str = "你好", **body: object) -> tuple[str, str]:
    """Open a stream; return its id and the msg_id it answers. A second passes, so that the next frame may come."""
    msg_id = await qq.said()
    reply = await qq.frame(text, msg_id=msg_id, **body)  # type: ignore[arg-type]
    assert reply.status == 200, reply.body
    qq.sim.clock.advance(1)
    return reply.body["id"], msg_id


@pytest.mark.parametrize(("index", "refused"), [(0, (200, None)), (1, (200, None)), (2, (404, 40006))])
async def test_row_1_the_first_frame_has_no_id_and_index_0_or_1(
    qq: BotCaller, index: int, refused: tuple[int, int | None]
) -> None:
    assert (await qq.frame("你好", index=index, msg_id=await qq.said())).refused == refused


async def test_row_2_the_index_strictly_increases_with_gaps(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    again = await qq.frame("你好", index=0, msg_id=msg_id, stream_msg_id=stream)
    assert again.refused == (404, 40006)
    assert again.body["message"] == "请求参数index需要递增"
    assert (await qq.frame("你好", index=7, msg_id=msg_id, stream_msg_id=stream)).status == 200


async def test_row_3_later_frames_carry_the_id(qq: BotCaller) -> None:
    _, msg_id = await open_stream(qq)
    reply = await qq.frame("你好，世界", index=1, msg_id=msg_id)
    assert reply.refused == (400, 40054005)
    assert reply.body["message"] == "消息被去重，请检查请求msgseq"


async def test_row_4_a_spent_msg_seq_opens_nothing(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    await qq.frame("你好", index=1, state=10, msg_id=msg_id, stream_msg_id=stream)
    assert (await qq.frame("新的", msg_id=msg_id)).refused == (400, 40054005)
    assert (await qq.message(msg_id=msg_id, msg_seq=1)).refused == (400, 40054005)


@pytest.mark.parametrize("text", ["您好，世界", "你", "你好▌", "你好 世界", ""])
async def test_row_5_what_was_delivered_stays(qq: BotCaller, sim: Simulator, text: str) -> None:
    stream, msg_id = await open_stream(qq, "你好，")
    reply = await qq.frame(text, index=1, msg_id=msg_id, stream_msg_id=stream)
    assert (reply.status, reply.code, reply.body["err_code"]) == (404, 40007, 40113003)
    assert reply.body["message"] == "已经提交的消息内容不可修改"
    assert qq.screen() == [("你好，", "streaming")]
    assert [each["rule"] for each in sim.violations()] == ["not_a_prefix"]


async def test_row_5_an_older_report_saw_500(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.stream_prefix_refusal = "500"
    stream, msg_id = await open_stream(qq)
    reply = await qq.frame("他好", index=1, msg_id=msg_id, stream_msg_id=stream)
    assert (reply.status, reply.body["message"]) == (500, "系统繁忙，请稍后重试")


async def test_row_6_the_same_text_again_is_fine(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    assert (await qq.frame("你好", index=1, msg_id=msg_id, stream_msg_id=stream)).status == 200


@pytest.mark.parametrize("text", ["你好", "你好，世界"])
async def test_row_7_it_closes_with_the_same_or_more_text(qq: BotCaller, text: str) -> None:
    stream, msg_id = await open_stream(qq)
    assert (await qq.frame(text, index=1, state=10, msg_id=msg_id, stream_msg_id=stream)).status == 200
    assert qq.screen() == [(text, "done")]


async def test_row_8_a_frame_after_the_end(qq: BotCaller, sim: Simulator) -> None:
    stream, msg_id = await open_stream(qq)
    await qq.frame("你好", index=1, state=10, msg_id=msg_id, stream_msg_id=stream)
    late = await qq.frame("你好啊", index=2, msg_id=msg_id, stream_msg_id=stream)
    assert (late.status, late.code, late.body["err_code"]) == (404, 40007, 40113003)
    assert sim.violations() == []
    await qq.frame("你好", index=3, state=10, msg_id=msg_id, stream_msg_id=stream)
    assert [each["rule"] for each in sim.violations()] == ["second_closing_frame"]


async def test_row_8_the_platform_finalises_what_was_abandoned(qq: BotCaller, sim: Simulator) -> None:
    stream, msg_id = await open_stream(qq)
    await qq.frame("你好，世界", index=1, msg_id=msg_id, stream_msg_id=stream)
    sim.clock.advance(sim.switches.stream_timeout - 1)
    assert qq.screen() == [("你好，世界", "streaming")]
    sim.clock.advance(1)
    assert qq.screen() == [("你好，世界", "finalised")]
    late = await qq.frame("你好，世界！", index=2, state=10, msg_id=msg_id, stream_msg_id=stream)
    assert late.refused == (404, 40007)
    assert (await qq.frame("新的", msg_id=await qq.said())).status == 200


async def test_row_9_one_unfinished_stream_a_user(qq: BotCaller) -> None:
    await open_stream(qq)
    second = await qq.frame("又来", msg_id=await qq.said())
    assert second.refused == (400, 40034021)
    assert second.body["message"] == "其它流式消息发送中"
    other = "0" * 32
    assert (await qq.frame("别人", target=other, msg_id=await qq.said(target=other))).status == 200


@pytest.mark.parametrize(("choice", "status"), [("refuse", 500), ("accept", 200)])
async def test_row_10_a_first_frame_that_answers_nothing_is_a_switch(
    qq: BotCaller, sim: Simulator, choice: str, status: int
) -> None:
    sim.switches.stream_proactive = choice
    assert (await qq.frame("你好")).status == status


async def test_row_11_a_later_frame_that_answers_nothing(qq: BotCaller) -> None:
    stream, _ = await open_stream(qq)
    assert (await qq.frame("你好", index=1, stream_msg_id=stream)).refused == (500, 50015001)


@pytest.mark.parametrize(("switch", "status"), [(429, 429), (400, 400)])
async def test_row_12_three_hundred_milliseconds_between_frames(
    qq: BotCaller, sim: Simulator, switch: int, status: int
) -> None:
    sim.switches.stream_pacing_status = switch
    stream, msg_id = await open_stream(qq)
    await qq.frame("你好", index=1, msg_id=msg_id, stream_msg_id=stream)
    sim.clock.advance(0.299)
    assert (await qq.frame("你好", index=2, msg_id=msg_id, stream_msg_id=stream)).refused == (status, 50002)
    sim.clock.advance(0.001)
    assert (await qq.frame("你好", index=3, msg_id=msg_id, stream_msg_id=stream)).status == 200


@pytest.mark.parametrize(("consumed", "code"), [(True, 40006), (False, None)])
async def test_row_12_a_refused_frame_uses_its_index_up(
    qq: BotCaller, sim: Simulator, consumed: bool, code: int | None
) -> None:
    sim.switches.refused_frame_consumes_index = consumed
    stream, msg_id = await open_stream(qq)
    await qq.frame("你好", index=1, msg_id=msg_id, stream_msg_id=stream)
    assert (await qq.frame("你好", index=2, msg_id=msg_id, stream_msg_id=stream)).code == 50002
    sim.clock.advance(1)
    assert (await qq.frame("你好", index=2, msg_id=msg_id, stream_msg_id=stream)).code == code


async def test_row_12_fifty_a_second(qq: BotCaller, sim: Simulator) -> None:
    codes = []
    for n in range(51):
        target = f"{n:032d}"
        codes.append((await qq.frame("你好", target=target, msg_id=await qq.said(target=target))).code)
    assert codes == [None] * 50 + [50002]
    sim.clock.advance(1)
    assert (await qq.frame("你好", msg_id=await qq.said())).status == 200


async def test_row_13_an_internal_error_is_a_fault_one_can_ask_for(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "code", "code": 50001, "endpoint": "stream", "count": 1})
    msg_id = await qq.said()
    assert (await qq.frame("你好", msg_id=msg_id)).refused == (500, 50001)
    assert (await qq.frame("你好", msg_id=msg_id)).status == 200


async def test_row_14_the_size_of_one_request(qq: BotCaller, sim: Simulator) -> None:
    msg_id = await qq.said()
    assert (await qq.frame("好" * 6807, msg_id=msg_id)).refused == (400, 40054018)  # 20 421 bytes
    assert (await qq.frame("好" * 6806, msg_id=msg_id)).status == 200


async def test_row_14_a_quiet_cut_is_a_switch(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.stream_silent_bytes = 2048
    assert (await qq.frame("好" * 1000, msg_id=await qq.said())).status == 200
    assert qq.screen() == [("好" * 682, "streaming")]


async def test_row_15_a_streamed_message_cannot_be_recalled(qq: BotCaller) -> None:
    stream, _ = await open_stream(qq)
    assert (await qq.call("DELETE", f"/v2/users/{USER}/messages/{stream}")).refused == (400, 40061001)


async def test_row_16_no_newline_is_asked_for(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq)
    assert (await qq.frame("你好。", index=1, state=10, msg_id=msg_id, stream_msg_id=stream)).status == 200


@pytest.mark.parametrize("field", ["keyboard", "media", "message_reference"])
async def test_row_17_text_and_nothing_else(qq: BotCaller, sim: Simulator, field: str) -> None:
    msg_id = await qq.said()
    body = {field: {"id": "1"}, "msg_id": msg_id}
    assert (await qq.frame("你好", **body)).refused == (400, 50035)
    sim.switches.stream_extra_fields = "ignore"
    assert (await qq.frame("你好", **body)).status == 200


@pytest.mark.parametrize("path", [f"/v2/groups/{GROUP}", "/channels/1", "/dms/1"])
async def test_row_18_only_private_chats_stream(qq: BotCaller, path: str) -> None:
    reply = await qq.post(f"{path}/stream_messages", {})
    assert (reply.status, reply.body["message"]) == (404, "不支持的调用")


async def test_row_19_a_bot_without_the_right(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.stream_permitted = False
    reply = await qq.frame("你好", msg_id=await qq.said())
    assert reply.refused == (401, 11253)


async def test_the_answer_is_a_uuid_on_every_frame(qq: BotCaller) -> None:
    msg_id = await qq.said()
    first = await qq.frame("你好", msg_id=msg_id)
    qq.sim.clock.advance(1)
    second = await qq.frame("你好", index=1, msg_id=msg_id, stream_msg_id=first.body["id"])
    assert uuid.UUID(first.body["id"]) == uuid.UUID(second.body["id"])
    assert first.body["remain_msg_len"] == 0
    assert first.body["ext_info"]["ref_idx"].startswith("REFIDX_")
    assert first.headers["Content-Type"] == "application/json"


async def test_append_mode_adds_each_piece(qq: BotCaller) -> None:
    stream, msg_id = await open_stream(qq, input_mode=None)
    for index, piece, state in ((1, "，世", 1), (2, "界", 10)):
        reply = await qq.frame(
            piece, index=index, state=state, input_mode="append", msg_id=msg_id, stream_msg_id=stream
        )
        assert reply.status == 200
        qq.sim.clock.advance(1)
    assert qq.screen() == [("你好，世界", "done")]


@pytest.mark.parametrize("seq", [1, 2])
async def test_later_frames_may_keep_or_raise_msg_seq(qq: BotCaller, seq: int) -> None:
    stream, msg_id = await open_stream(qq)
    reply = await qq.frame("你好", index=1, msg_id=msg_id, msg_seq=seq, stream_msg_id=stream)
    assert reply.status == 200
    sent = await qq.message(msg_id=msg_id, msg_seq=2)
    assert sent.status == 200


async def test_msg_id_and_event_id_may_come_together(qq: BotCaller) -> None:
    msg_id = await qq.said()
    assert (await qq.frame("你好", msg_id=msg_id, event_id=msg_id)).status == 200


async def test_how_long_a_stream_may_be_opened_is_a_switch(qq: BotCaller, sim: Simulator) -> None:
    msg_id = await qq.said()
    sim.clock.advance(301)
    sim.switches.stream_start_window = 300
    assert (await qq.frame("你好", msg_id=msg_id)).code == 40034005
    sim.switches.stream_start_window = None
    assert (await qq.frame("你好", msg_id=msg_id)).status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_state": 2},
        {"input_mode": "overwrite"},
        {"index": "0"},
        {"index": None},
        {"content_type": "html"},
        {"content_raw": 5},
        {"stream_msg_id": ""},
        {"stream_msg_id": "unknown"},
        {"msg_seq": "one"},
    ],
)
async def test_a_body_of_another_shape_is_refused(qq: BotCaller, wrong: dict[str, object]) -> None:
    assert (await qq.frame("你好", **({"msg_id": await qq.said()} | wrong))).refused == (400, 50035)  # type: ignore[arg-type]


async def test_the_whole_text_again_after_a_stream_is_written_down(qq: BotCaller, sim: Simulator) -> None:
    stream, msg_id = await open_stream(qq, "一段足够长的、已经流式显示过的文字")
    await qq.frame("一段足够长的、已经流式显示过的文字", index=1, state=10, msg_id=msg_id, stream_msg_id=stream)
    await qq.message(msg_id=msg_id, msg_seq=2, content="一段足够长的、已经流式显示过的文字。")
    assert [each["rule"] for each in sim.violations()] == ["whole_resend"]


async def test_a_closing_frame_repeated_because_its_answer_was_lost_breaks_no_rule(
    qq: BotCaller, sim: Simulator
) -> None:
    stream, msg_id = await open_stream(qq)
    sim.faults.set({"fault": "empty_body", "frame": "closing", "count": 1})
    await qq.frame("你好", index=1, state=10, msg_id=msg_id, stream_msg_id=stream)
    again = await qq.frame("你好", index=2, state=10, msg_id=msg_id, stream_msg_id=stream)
    assert again.refused == (404, 40007)
    assert sim.violations() == []
