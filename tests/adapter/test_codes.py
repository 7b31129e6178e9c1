"""The table of codes: complete against the sheet, in two languages, and each answer leads to one reaction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.answers import Accepted, Exchange, InReview, Refused, Throttled, Unknown
from adapter.codes import CODES, Reaction, is_permanent, known, meaning, react, telling

SHEET = """
100001 100007 100016 10004 100002
11241 11242 11243 11244 11251 11261 11275 11252 11263 11281 11253 11254 11262 11264 11282 11265 11298 40023002
12001 12002 12003 20028 22006 22009 40006 40007 40113003 50001 50002 50006 50035 50037 50045 50046 50047 50048
50055 50056 50057 50059 50015001 304003 304004 304005 304014 304036 304037 304038 304039 304040
304010 304017 304020 304021 304082 304083 304016 304018 304019 304022 304045 304046 304047 304048 304049
304050
304051 304052 304023 304024 304025 40034006 1100101 3300006 304026 304027 304028 304031 304032 304033 304034
304041 304061 304062 304064 304080 304103 305007 306001 306002 306003 306004 306005 306006 306007 306008
306009
306010 306011 40061001 40061002 40062003 40064004 50065001 340067 340069 40034001 40034004 40034005 40034008
40034009 40034010 40034011 40034124 40034127 40034012 40034016 40034017 40034018 40034019 40034020 40034021
40034022 40034024 40034025 40034026 40034027 40034029 40034090 40034100 40034101 40054003 40034102 40034105
40034106 40034108 40034109 40034122 40034123 40034128 40054002 40054004 40054006 40054005 40054007 40054018
40054014 40054015 40054010 40054013 40054016 50055001 50055002 50055006 850012 850018 850019 850026 850027
850031 10000 40093001 40093002 40030013 40030021 1100100 1100308 610012 610013
"""


def test_every_code_of_the_sheet_is_listed() -> None:
    wanted = {int(number) for number in SHEET.split()}
    assert wanted - CODES.keys() == set()


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained_in_both_languages(code: int) -> None:
    chinese, english = meaning(code, "zh-hans"), meaning(code, "en")
    assert len(chinese) > 5
    assert len(english) > 15
    assert any("\u4e00" <= char <= "\u9fff" for char in chinese)
    assert english.isascii()


@pytest.mark.parametrize(
    ("codes", "reaction"),
    [
        ((40034017,), Reaction.NEWLINE),
        (
            (
                *range(40034008, 40034013),
                40034090,
                40034124,
                40034127,
                50055,
                50056,
                50057,
                304041,
                304036,
                22006,
            ),
            Reaction.MARKDOWN,
        ),
        (
            (40034005, 304103, 304027, 40034024, 40034025, 40034026, 40034027, 40034128, 22009),
            Reaction.REFERENCE,
        ),
        ((40006,), Reaction.INDEX),
        ((40007, 40113003), Reaction.PREFIX),
        ((40034018, 40034019, 40034020, 40034022), Reaction.STREAM_OVER),
        ((40054007, 40054018, 40054014, 850031), Reaction.LENGTH),
        ((40054015,), Reaction.FULL),
        ((40054010, 304003), Reaction.ADDRESS),
        ((304025, 40034006, 1100101, 3300006), Reaction.MODERATED),
        ((40054002, 40054003, 40054013, 40034101), Reaction.TARGET),
        ((40054005,), Reaction.DUPLICATE),
        ((50001, 50055001, 50055002, 304016, 850027, 340067, 40093001), Reaction.RETRY),
        ((50002, 40034021, 20028, 1100100, 100001, 504123), Reaction.THROTTLE),
        ((11298, 11253, 11265, 850019, 50015001, 40034016), Reaction.PERMANENT),
        ((304080,), Reaction.FILE_INFO),
        ((40093002,), Reaction.CAPACITY),
    ],
)
def test_refusals_are_taken_by_their_code(codes: tuple[int, ...], reaction: Reaction) -> None:
    for code in codes:
        assert react(Refused(code, is_permanent(code))) is reaction, code


def test_the_other_answers_need_no_code() -> None:
    assert react(Accepted("id")) is Reaction.ACCEPT
    assert react(InReview("audit")) is Reaction.REVIEW
    assert react(Unknown("timeout")) is Reaction.UNKNOWN
    assert react(Throttled(1.0, 40034021)) is Reaction.THROTTLE


def test_an_unlisted_code_goes_by_the_permanent_bit() -> None:
    assert react(Refused(99_999_999, True)) is Reaction.PERMANENT
    assert react(Refused(99_999_999, False)) is Reaction.RETRY
    assert react(Refused(None, False)) is Reaction.RETRY


def test_wording_counts_only_where_no_code_came() -> None:
    worded = Exchange(http_status=400, message="请确保Markdown分片以换行符结束")
    assert react(Refused(None, True, worded)) is Reaction.NEWLINE
    assert react(Refused(40034006, True, worded)) is Reaction.MODERATED
    assert react(Refused(99_999_999, True, worded)) is Reaction.PERMANENT
    assert react(Refused(None, True, Exchange(message="流式消息md分片需要\\n结束"))) is Reaction.NEWLINE
    assert react(Refused(None, True, Exchange(message="不允许发送url a.b"))) is Reaction.ADDRESS
    assert react(Refused(None, True, Exchange(http_status=413))) is Reaction.LENGTH


def test_the_err_code_decides_where_the_code_says_nothing() -> None:
    assert telling(400, 40034017) == 40034017
    assert telling(850026, 40034001) == 850026
    assert telling(40007, 40113003) == 40007
    assert telling(10000, 40034005) == 40034005
    assert telling(0, 0) is None
    assert telling(None, 123_456) == 123_456
    assert react(Refused(400, True, Exchange(code=400, err_code=40034128))) is Reaction.REFERENCE


def test_an_unknown_code_is_named_in_words() -> None:
    assert "987654321" in meaning(987_654_321, "en")
    assert "987654321" in meaning(987_654_321, "zh")
    assert meaning(None, "en")
    assert meaning(0, "zh")


@given(st.integers(), st.sampled_from(["zh", "en", "", "fr"]))
def test_no_number_raises(code: int, language: str) -> None:
    assert meaning(code, language)
    assert isinstance(is_permanent(code), bool)
    entry = known(code)
    assert entry is None or entry.number == code
