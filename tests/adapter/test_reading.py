"""Every odd HTTP answer ends in one of the five types; none raises."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.answers import Accepted, Answer, InReview, Refused, Throttled, Unknown
from adapter.reading import Wants, read_answer

JSON = {"Content-Type": "application/json", "X-Tps-trace-ID": "head-trace"}


def read(status: int, body: object, wants: Wants = "message", headers: dict[str, str] | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return read_answer(status, JSON if headers is None else headers, raw, elapsed=0.25, wants=wants)


def refusal(code: int, err_code: int | None = None, message: str = "no") -> dict[str, Any]:
    return {"message": message, "code": code, "err_code": err_code or code, "trace_id": "body-trace"}


def test_a_plain_success() -> None:
    answer = read(200, {"id": "ROBOT1.0_x", "timestamp": "2026-07-21T10:30:00+08:00"})
    assert isinstance(answer, Accepted)
    assert answer.id == "ROBOT1.0_x"
    assert answer.data["timestamp"].startswith("2026")
    assert answer.exchange.http_status == 200
    assert answer.exchange.trace_id == "head-trace"
    assert answer.exchange.elapsed == 0.25


def test_ids_as_numbers_and_a_zero_code_are_fine() -> None:
    answer = read(200, {"id": 12345, "code": 0, "err_code": "0", "message": "ok"})
    assert isinstance(answer, Accepted)
    assert answer.id == "12345"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null"])
def test_an_upload_that_was_prepared_without_a_word_is_prepared_again(body: bytes) -> None:
    assert isinstance(read(200, body, "plan"), Unknown)
    assert isinstance(read(200, {"upload_id": "u"}, "plan"), Accepted)


def test_a_guild_send_returns_a_whole_message() -> None:
    answer = read(200, {"id": "08f", "channel_id": "1", "content": "hi", "author": {"id": "2"}})
    assert isinstance(answer, Accepted)
    assert answer.id == "08f"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'"ok"',
        b"[1, 2]",
        b"<html>welcome</html>",
        b"\xff\xfe\xfa",
        b"{",
        b"{}",
        b'{"id": null}',
        b'{"id": ""}',
        b'{"id": {"a": 1}}',
        b'{"id": true}',
        b'{"id": "' + b"x" * 201 + b'"}',
        b"[" * 20_000,
        b'{"id": ' + b"9" * 6_000 + b"}",
    ],
)
def test_a_200_without_a_usable_id_is_unknown(body: bytes) -> None:
    answer = read(200, body)
    assert isinstance(answer, Unknown)
    assert answer.reason == "no_id"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "text/plain",
        "",
        "x/y; charset=no-such",
    ],
)
def test_the_content_type_does_not_matter(content_type: str) -> None:
    answer = read(200, {"id": "字"}, headers={"content-type": content_type})
    assert isinstance(answer, Accepted)
    assert answer.id == "字"


def test_another_charset_is_honoured() -> None:
    raw = json.dumps(refusal(40034006, message="打击"), ensure_ascii=False).encode("gbk")
    answer = read(400, raw, headers={"content-type": "application/json; charset=gbk"})
    assert isinstance(answer, Refused)
    assert answer.exchange.message == "打击"


def test_a_200_with_a_code_is_a_refusal() -> None:
    for fields in ({"code": 40034006, "id": "x"}, {"err_code": 40034006, "id": "x"}):
        answer = read(200, fields)
        assert isinstance(answer, Refused)
        assert answer.code == 40034006
        assert answer.permanent


def test_codes_that_differ() -> None:
    answer = read(404, refusal(40007, 40113003, "已经提交的消息内容不可修改"))
    assert isinstance(answer, Refused)
    assert (answer.code, answer.exchange.code, answer.exchange.err_code) == (40007, 40007, 40113003)
    assert answer.exchange.trace_id == "body-trace"


def test_a_body_without_message_and_codes_as_text() -> None:
    answer = read(400, {"code": "40054005"})
    assert isinstance(answer, Refused)
    assert answer.code == 40054005
    assert answer.exchange.message == ""


@pytest.mark.parametrize("status", [201, 202])
def test_an_audit_is_in_review(status: int) -> None:
    body = {"code": 304023, "message": "等待审核", "data": {"message_audit": {"audit_id": "a-1"}}}
    answer = read(status, body)
    assert isinstance(answer, InReview)
    assert answer.audit_id == "a-1"
    assert isinstance(read(200, body), InReview)
    assert isinstance(read(status, b""), InReview)
    assert isinstance(read(status, b"<html>"), InReview)


def test_a_201_with_an_id_and_a_202_with_a_no() -> None:
    assert isinstance(read(201, {"id": "x"}), Accepted)
    assert isinstance(read(202, refusal(40034005)), Refused)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502</html>", {"message": "系统繁忙，请稍后重试"}, refusal(123_456_789), refusal(12001)],
)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_bare_5xx_may_have_taken_effect(status: int, body: object) -> None:
    answer = read(status, body)
    assert isinstance(answer, Unknown)
    assert answer.reason == "5xx"


def test_a_busy_5xx_is_open_even_with_a_listed_code() -> None:
    assert isinstance(read(500, refusal(304041, message="系统繁忙，请稍后重试")), Unknown)


def test_a_5xx_with_a_listed_code_is_a_no() -> None:
    for code, permanent in (
        (850019, True),
        (304041, True),
        (50015001, True),
        (50001, False),
        (50055001, False),
    ):
        answer = read(500, refusal(code))
        assert isinstance(answer, Refused), code
        assert answer.permanent is permanent, code


def test_12001_is_a_no_only_with_400() -> None:
    answer = read(400, refusal(12001))
    assert isinstance(answer, Refused)
    assert answer.permanent


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, 0),
        (429, 99),
        (400, 50002),
        (429, 50002),
        (400, 40034021),
        (400, 20028),
        (200, 100001),
        (500, 504004),
    ],
)
def test_throttles(status: int, code: int) -> None:
    answer = read(status, refusal(code))
    assert isinstance(answer, Throttled)
    assert answer.after is None
    assert answer.code == (code or None)


def test_a_throttle_without_a_code() -> None:
    assert isinstance(read(400, {"message": "接口调用超过频率限制"}), Throttled)
    assert isinstance(read(429, b"<html>slow down</html>"), Throttled)


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
        ("nan", None),
        ("1e9", None),
    ],
)
def test_retry_after_is_honoured_if_it_ever_comes(value: str, after: float | None) -> None:
    answer = read(429, b"", headers={"retry-AFTER": value})
    assert isinstance(answer, Throttled)
    assert answer.after == after


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 413])
@pytest.mark.parametrize("body", [b"", b"<html>413</html>", b"null", b'"not supported"', b"{}"])
def test_a_4xx_without_a_code_is_final(status: int, body: bytes) -> None:
    answer = read(status, body)
    assert isinstance(answer, Refused)
    assert answer.permanent
    assert answer.code is None
    assert answer.exchange.http_status == status


def test_a_token_refusal_is_not_final() -> None:
    answer = read(401, refusal(11244))
    assert isinstance(answer, Refused)
    assert not answer.permanent


def test_uploads_want_a_file_info() -> None:
    answer = read(200, {"file_uuid": "u", "file_info": "blob", "ttl": 0}, "upload")
    assert isinstance(answer, Accepted)
    assert answer.id == "u"
    assert isinstance(read(200, {"file_uuid": "u"}, "upload"), Unknown)
    assert isinstance(read(200, {"file_info": 7}, "upload"), Unknown)


def test_anything_goes_where_no_proof_is_wanted() -> None:
    assert isinstance(read(204, b"", "any"), Accepted)
    assert isinstance(read(200, {}, "any"), Accepted)
    assert isinstance(read(200, b"<html>portal</html>", "any"), Unknown)
    assert isinstance(read(204, b"", "message"), Unknown)


def test_secrets_do_not_reach_the_record() -> None:
    body = {
        "access_token": "TOPSECRET1",
        "message": "bad header Authorization: QQBot TOPSECRET2",
        "clientSecret": "TOPSECRET3",
        "nested": json.dumps({"client_secret": "TOPSECRET4"}),
        "parts": [{"presigned_url": "https://cos.example/x?sign=TOPSECRET5"}],
        "code": 11243,
    }
    answer = read(401, body)
    assert "TOPSECRET" not in answer.exchange.body + answer.exchange.message
    assert "11243" in answer.exchange.body


def test_the_body_in_the_record_is_short() -> None:
    answer = read(400, b"x" * 100_000)
    assert len(answer.exchange.body) == 4_000


@given(
    status=st.integers(200, 599),
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["id", "code", "err_code", "message", "data", "message_audit", "audit_id", "trace_id"]
                    ),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    headers=st.dictionaries(st.sampled_from(["Content-Type", "Retry-After"]), st.text(max_size=12)),
    wants=st.sampled_from(get_args(Wants)),
)
def test_nothing_raises(status: int, body: bytes, headers: dict[str, str], wants: Wants) -> None:
    answer = read_answer(status, headers, body, elapsed=0.0, wants=wants)
    if isinstance(answer, Accepted):
        assert status < 300


def test_what_no_database_can_carry_is_replaced() -> None:
    answer = read(400, b'{"code": 1, "message": "a\\u0000b\\ud800", "trace_id": "t\\u0000", "x": [Infinity, 1e999]}')
    assert isinstance(answer, Refused)
    assert answer.exchange.message == "a\ufffdb\ufffd"
    assert answer.exchange.trace_id == "t\ufffd"
    assert "\x00" not in read(502, b"<html>\x00</html>").exchange.body


@pytest.mark.parametrize(("code", "kept"), [(10**25, 2**31 - 1), (-(10**25), -(2**31)), ("9" * 30, 2**31 - 1)])
def test_a_code_that_no_column_holds_is_still_a_refusal(code: object, kept: int) -> None:
    answer = read(200, {"code": code, "message": "no"})
    assert isinstance(answer, Refused)
    assert answer.code == kept


def test_words_without_end_are_kept_to_their_beginning() -> None:
    exchange = read(400, {"code": 1, "message": "m" * 900_000, "trace_id": "t" * 900_000}).exchange
    assert (len(exchange.message), len(exchange.body), len(exchange.trace_id)) == (4_000, 4_000, 128)


def test_a_secret_at_the_edge_of_what_is_kept_is_cut_out() -> None:
    words = "m" * 3_990 + " Authorization: QQBot abcdefghijklmnop"
    assert "abcdef" not in read(400, {"code": 1, "message": words}).exchange.message
