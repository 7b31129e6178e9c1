"""Messages in one shape for every scene; missing fields never raise, whom to answer is decided once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.events import Event, InboundMessage, parse_message, read_time
from adapter.targets import Scene, Target

BOT = "9000"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def parse(kind: str, **data: Any) -> InboundMessage | None:
    return parse_message(Event(kind, "EVENT:1", 5, data, NOW), BOT)


def message(kind: str, **data: Any) -> InboundMessage:
    found = parse(kind, **data)
    assert found is not None
    return found


def group(kind: str = "GROUP_MESSAGE_CREATE", **data: Any) -> InboundMessage:
    fields = {
        "id": "m1",
        "group_openid": "G",
        "author": {"id": "M", "member_openid": "M", "username": "阿明"},
        "timestamp": "2026-11-22T12:00:00+08:00",
    }
    return message(kind, **(fields | data))


def test_a_c2c_message() -> None:
    found = message(
        "C2C_MESSAGE_CREATE",
        id="ROBOT1.0_abc!",
        author={"id": "U", "user_openid": "U", "union_openid": "X"},
        content=" 你好 ",
        timestamp="2026-07-21T10:30:00+08:00",
        attachments=[
            {"content_type": "image/png", "url": "multimedia.nt.qq.com.cn/x?y=1", "size": "12", "width": 3},
            {"content_type": "voice", "url": "https://a/b.silk", "voice_wav_url": "//a/b.wav", "asr_refer_text": "喂"},
        ],
    )
    assert found.target == Target(Scene.C2C, "U")
    assert (found.message_id, found.event_id) == ("ROBOT1.0_abc!", "EVENT:1")
    assert (found.content, found.raw_content) == (" 你好 ", " 你好 ")
    assert found.addressed
    assert found.author_name == ""
    assert found.timestamp is not None
    assert found.timestamp.astimezone(UTC).hour == 2
    picture, voice = found.attachments
    assert picture.url == "https://multimedia.nt.qq.com.cn/x?y=1"
    assert (picture.size, picture.width) == (12, 3)
    assert (voice.voice_wav_url, voice.spoken_text) == ("https://a/b.wav", "喂")


def test_a_group_message_that_addresses_the_bot_by_its_event() -> None:
    found = group("GROUP_AT_MESSAGE_CREATE", content=" hello")
    assert found.target == Target(Scene.GROUP, "G")
    assert found.content == "hello"
    assert found.addressed
    assert (found.author_id, found.author_name) == ("M", "阿明")


@pytest.mark.parametrize(
    ("data", "addressed"),
    [
        ({"content": "hello"}, False),
        ({"content": "<@9000> hello"}, True),
        ({"content": "<@!9000> hello"}, True),
        ({"content": "<@1234> hello"}, False),
        ({"content": "<@MB> hello", "mentions": [{"is_you": True, "member_openid": "MB"}]}, True),
        ({"content": "hello", "mentions": [{"is_you": True}]}, True),
        ({"content": "hello", "mentions": [{"is_you": False, "scope": "all"}]}, False),
        ({"content": "hello", "mentions": "nonsense"}, False),
        ({"content": "<@9000> hello", "author": {"id": "M", "bot": True}}, False),
        ({"content": "<@9000> hello", "author": {"id": BOT}}, False),
    ],
)
def test_which_group_messages_are_answered(data: dict[str, Any], addressed: bool) -> None:
    found = group(**data)
    assert found.addressed is addressed
    if addressed:
        assert found.content == "hello"


def test_only_the_bots_own_mention_is_taken_out() -> None:
    assert group(content="<@!9000> ask <@1234> please").content == "ask <@1234> please"


def test_the_two_events_of_one_group_message_are_twins() -> None:
    for shared in (
        {"message_scene": {"ext": ["auth_token=x", "msg_idx=REFIDX_1"]}},
        {},
    ):
        at = group("GROUP_AT_MESSAGE_CREATE", id="a", content=" hello you", **shared)
        full = group("GROUP_MESSAGE_CREATE", id="b", content="<@MB> hello you", **shared)
        assert at.twin == full.twin
    assert group(content="one").twin != group(content="two").twin
    assert group(content="one").twin != group(content="one", group_openid="H").twin
    later = group(content="one", timestamp="2026-11-22T12:00:01+08:00")
    assert group(content="one").twin != later.twin
    assert group(message_scene={"ext": ["msg_idx=1"]}).twin != group(message_scene={"ext": ["msg_idx=2"]}).twin


@pytest.mark.parametrize(
    ("id", "user", "kept"), [(200, 128, True), (201, 32, False), (32, 129, False), (9_000, 9_000, False)]
)
def test_an_id_too_long_to_be_kept_makes_no_message(id: int, user: int, kept: bool) -> None:
    found = parse("C2C_MESSAGE_CREATE", id="m" * id, author={"user_openid": "U" * user})
    assert (found is not None) is kept


def test_long_indices_of_group_messages_are_told_apart_to_their_last_character() -> None:
    def twin(index: str) -> str:
        return group(message_scene={"ext": [f"msg_idx=REFIDX_{index}"]}).twin

    assert twin("x" * 400 + "1") == twin("x" * 400 + "1") != twin("x" * 400 + "2")
    assert len(twin("x" * 400)) <= 200


def test_two_equal_direct_messages_are_no_twins() -> None:
    author = {"user_openid": "U"}
    first, second = (message("C2C_MESSAGE_CREATE", id=id_, author=author, content="hi") for id_ in "ab")
    assert first.twin != second.twin


def test_a_guild_message_and_a_guild_dm() -> None:
    at = message(
        "AT_MESSAGE_CREATE",
        id="08a",
        channel_id="C",
        guild_id="D",
        content="<@!9000> hi",
        author={"id": "7", "username": "u", "bot": False},
        member={"nick": "小明"},
    )
    assert at.target == Target(Scene.GUILD, "C")
    assert (at.content, at.author_name, at.addressed) == ("hi", "小明", True)
    plain = message("MESSAGE_CREATE", id="08b", channel_id="C", content="hi", author={"id": "7"})
    assert not plain.addressed
    dm = message("DIRECT_MESSAGE_CREATE", id="08c", guild_id="D", channel_id="C", author={"id": "7"})
    assert dm.target == Target(Scene.DM, "D")
    assert dm.addressed


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("GUILD_CREATE", {"id": "1"}),
        ("", {}),
        ("C2C_MESSAGE_CREATE", {}),
        ("C2C_MESSAGE_CREATE", {"id": "m"}),
        ("C2C_MESSAGE_CREATE", {"id": "m", "author": None}),
        ("GROUP_AT_MESSAGE_CREATE", {"id": "m", "author": {"id": "M"}}),
        ("AT_MESSAGE_CREATE", {"id": "m", "author": []}),
        ("C2C_MESSAGE_CREATE", {"id": "m", "author": {"user_openid": ".."}}),
        ("AT_MESSAGE_CREATE", {"id": "m", "channel_id": "."}),
    ],
)
def test_what_is_no_message_is_none(kind: str, data: dict[str, Any]) -> None:
    assert parse(kind, **data) is None


@pytest.mark.parametrize("author", [None, [], {}, {"bot": False}])
def test_a_group_message_without_its_author_is_answered(author: object) -> None:
    found = message("GROUP_AT_MESSAGE_CREATE", id="m", group_openid="G", content=" hi", author=author)
    assert (found.target_id, found.author_id, found.content, found.addressed) == ("G", "", "hi", True)


def test_what_a_user_writes_alone_stays_as_it_is() -> None:
    found = message("C2C_MESSAGE_CREATE", id="m", author={"id": "U"}, content="  <@9000> 你好\n ")
    assert found.content == found.raw_content


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T12:00:00Z", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("2026-11-22T12:00:00", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        (1_763_812_800, datetime(2025, 11, 22, 12, tzinfo=UTC)),
        ("1763812800", datetime(2025, 11, 22, 12, tzinfo=UTC)),
        (1_763_812_800_000, datetime(2025, 11, 22, 12, tzinfo=UTC)),
        ("0001-01-01T00:00:00+08:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        (float("inf"), None),
        ([], None),
    ],
)
def test_times(value: object, expected: datetime | None) -> None:
    assert read_time(value) == expected


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(
    kind=st.sampled_from(["C2C_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE", "AT_MESSAGE_CREATE", "DIRECT_MESSAGE_CREATE"]),
    data=st.fixed_dictionaries(
        {"id": st.just("m"), "author": st.just({"id": "A", "user_openid": "A"}) | ANYTHING},
        optional=dict.fromkeys(
            (
                "content",
                "timestamp",
                "attachments",
                "mentions",
                "message_scene",
                "group_openid",
                "channel_id",
                "guild_id",
                "member",
            ),
            ANYTHING,
        ),
    ),
)
def test_no_shape_raises(kind: str, data: dict[str, Any]) -> None:
    found = parse(kind, **data)
    assert found is None or (found.message_id == "m" and found.twin)
