"""Filters mean the same in an address, in JSON and to the database, and what they do not take is said plainly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Count
from django.http import QueryDict
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from qqconsole.deliveries.models import BulkResend, Delivery, Kind, Status
from qqconsole.deliveries.selecting import STEPS, BadFilter, Filters
from tests.console.rows import make_attempt, make_delivery, make_session

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
IDS = st.none() | st.integers(1, 2**63 - 1)


@given(
    bot=IDS,
    session=IDS,
    kind=st.sampled_from(["", *Kind.values]),
    type=st.sampled_from(["", "image", "video", "voice", "file"]),
    status=st.lists(st.sampled_from(Status.values), unique=True).map(tuple),
    code=st.none() | st.integers(0, 2**31 - 1),
    step=st.sampled_from(["", *STEPS]),
    since=st.none() | MOMENTS,
    dismissed=st.sampled_from([None, True, False]),
    bulk=IDS,
)
def test_what_is_written_is_read_back_the_same(**values: Any) -> None:
    filters = Filters(**values)
    assert Filters.from_json(filters.to_json()) == filters
    assert Filters.from_query(QueryDict(filters.to_query())) == filters


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bot=x", "bot"),
        ("bot=-1", "bot"),
        ("bot=9223372036854775808", "bot"),
        ("session=1.5", "session"),
        ("session=٣", "session"),
        ("kind=letter", "kind"),
        ("type=gif", "type"),
        ("status=failed&status=lost", "status"),
        ("code=99999999999", "code"),
        ("step=walk", "step"),
        ("since=yesterday", "since"),
        ("until=2026-13-01", "until"),
        ("since=2026-11-22&until=2026-11-21", "until"),
        ("since=0001-01-01T00:00:00", "since"),
        ("dismissed=maybe", "dismissed"),
    ],
)
def test_what_no_filter_takes_is_said_in_words(query: str, field: str) -> None:
    with pytest.raises(BadFilter) as bad:
        Filters.from_query(QueryDict(query))
    assert bad.value.field == field
    assert str(bad.value)[-1] in ".。"


@pytest.mark.parametrize("given_", [{"status": 5}, {"status": {"a": 1}}, {"bot": True}, {"kind": ["media"]}])
def test_json_of_the_wrong_type_is_refused(given_: dict[str, Any]) -> None:
    with pytest.raises(BadFilter):
        Filters.from_json(given_)


def test_empty_and_unknown_parameters_do_not_narrow() -> None:
    query = QueryDict("bot=&kind=&status=&since=&page=3&cursor=17")
    assert Filters.from_query(query) == Filters()
    assert Filters().to_json() == {}
    assert Filters().to_query() == ""


def test_a_time_without_a_zone_is_the_consoles_own() -> None:
    with timezone.override("Asia/Shanghai"), translation.override("en"):
        since = Filters.from_query(QueryDict("since=2026-11-22T08:00")).since
        day = Filters.from_query(QueryDict("since=2026-11-22")).since
    assert since == datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
    assert day == datetime(2026, 11, 21, 16, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_each_filter_leaves_what_it_names_the_newest_first() -> None:
    now, session = timezone.now(), make_session()
    picture = make_delivery(session, kind="media", media_kind="image", status="failed", code=850019, failed_step="part")
    text = make_delivery(make_session(), kind="message", status="unknown", dismissed_at=now)
    reply = make_delivery(session, status="delivered")
    Delivery.objects.filter(pk=picture.pk).update(created_at=now - timedelta(days=2))

    def left(**values: Any) -> list[int]:
        return list(Filters(**values).deliveries().values_list("pk", flat=True))

    assert left() == [reply.pk, text.pk, picture.pk]
    assert left(session=session.pk) == left(bot=session.bot_id) == [reply.pk, picture.pk]
    assert left(kind="message") == [text.pk]
    assert left(type="image") == left(code=850019) == left(step="part") == [picture.pk]
    assert left(status=("failed", "unknown")) == [text.pk, picture.pk]
    assert left(since=now - timedelta(days=1)) == [reply.pk, text.pk]
    assert left(until=now - timedelta(days=1)) == [picture.pk]
    assert left(dismissed=True) == [text.pk]
    assert left(dismissed=False) == [reply.pk, picture.pk]
    assert left(type="video") == left(bulk=1) == []
    job = BulkResend.objects.create()
    for number in (1, 2):
        make_attempt(picture, number, bulk=job if number == 2 else None)
    assert left(bulk=job.pk) == [picture.pk]
    counted = Filters(bulk=job.pk).deliveries().annotate(count=Count("attempts"))
    assert [delivery.count for delivery in counted] == [2]
