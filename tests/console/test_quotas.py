"""QQ's limits of what answers no message: kept whatever comes, and no longer than they have to be."""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from qqconsole.deliveries import quotas
from qqconsole.deliveries.models import Delivery, ProactiveSend
from qqconsole.deliveries.pacing import Pacing
from qqconsole.deliveries.quotas import DAY, MINUTE, SECOND, Limits, free_at
from tests.console.rows import make_bot, make_delivery, make_session

START = datetime(2026, 11, 22, tzinfo=UTC)
SMALL = st.builds(
    Limits,
    bot_second=st.integers(1, 3),
    bot_minute=st.integers(1, 8),
    target_minute=st.integers(1, 5),
    target_day=st.integers(1, 12),
)


def most_within(times: list[datetime], stretch: timedelta) -> int:
    """The largest number of them in any such stretch."""
    return max((sum(begin <= at < begin + stretch for at in times) for begin in times), default=0)


def is_kept(sent: dict[str, list[datetime]], limits: Limits) -> bool:
    everything = [at for times in sent.values() for at in times]
    return (
        most_within(everything, SECOND) <= limits.bot_second
        and most_within(everything, MINUTE) <= limits.bot_minute
        and all(most_within(times, MINUTE) <= limits.target_minute for times in sent.values())
        and all(most_within(times, DAY) <= limits.target_day for times in sent.values())
    )


@given(SMALL, st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40_000)), max_size=40))
def test_who_waits_as_told_never_goes_over_a_limit(limits: Limits, asked: list[tuple[str, int]]) -> None:
    now, sent = START, defaultdict[str, list[datetime]](list)
    for user, pause in asked:
        now += timedelta(milliseconds=pause)
        everything = sorted((at for times in sent.values() for at in times), reverse=True)
        now = free_at(now, everything, sorted(sent[user], reverse=True), limits)
        sent[user].append(now)
    assert is_kept(sent, limits)


@given(SMALL, st.lists(st.integers(0, 100_000), max_size=20))
def test_nobody_waits_who_need_not(limits: Limits, ago: list[int]) -> None:
    times = sorted((START - timedelta(milliseconds=one) for one in ago), reverse=True)
    due = free_at(START, times, times, limits)
    assert due >= START
    if due > START:
        # A little sooner, and some limit is broken (but for the margin that clocks and wires get).
        sooner = due - quotas.MARGIN - timedelta(milliseconds=1)
        assert not is_kept({"a": [*times, sooner]}, limits) or sooner < START


@given(SMALL, st.lists(st.sampled_from([1, 2, 3]), max_size=60))
def test_a_plan_of_many_keeps_each_users_limits(limits: Limits, sessions: list[int]) -> None:
    pacing, planned = Pacing(START), defaultdict[str, list[datetime]](list)
    for session in sessions:
        planned[str(session)].append(pacing.next_for(7, session, limits))
    assert all(times == sorted(times) for times in planned.values())
    assert all(most_within(times, MINUTE) <= limits.target_minute for times in planned.values())
    assert all(most_within(times, DAY) <= limits.target_day for times in planned.values())


def test_a_user_who_waits_for_tomorrow_holds_nobody_back() -> None:
    pacing, limits = Pacing(START), Limits(5, 60, 60, 1)
    assert pacing.next_for(1, 1, limits) == START
    assert pacing.next_for(1, 1, limits) >= START + DAY
    assert pacing.next_for(1, 2, limits) < START + timedelta(seconds=5)


def make_proactive(**fields: int) -> Delivery:
    return make_delivery(make_session(make_bot(**fields)), kind="media")


@pytest.mark.django_db
def test_a_place_is_taken_until_none_is_left() -> None:
    delivery, now = make_proactive(proactive_per_second=50, proactive_target_minute=2), timezone.now()
    assert [quotas.reserve(delivery, now) for _ in range(2)] == [None, None]
    later = quotas.reserve(delivery, now)
    assert later == now + MINUTE + quotas.MARGIN
    assert ProactiveSend.objects.count() == 2
    assert quotas.reserve(delivery, later) is None


@pytest.mark.django_db
def test_each_limit_counts_its_own() -> None:
    now = timezone.now()
    delivery = make_proactive(proactive_per_second=1)
    assert quotas.reserve(delivery, now) is None
    other_user = make_delivery(make_session(delivery.session.bot))
    assert quotas.reserve(other_user, now) == now + SECOND + quotas.MARGIN
    assert quotas.reserve(make_proactive(proactive_per_second=1), now) is None


@pytest.mark.django_db
def test_the_day_is_counted_for_each_user_and_in_a_guild_not_at_all() -> None:
    now = timezone.now()
    delivery = make_proactive(proactive_target_day=1)
    assert quotas.reserve(delivery, now - timedelta(hours=1)) is None
    assert quotas.next_free(delivery, now) == now - timedelta(hours=1) + DAY + quotas.MARGIN
    guild = make_delivery(make_session(delivery.session.bot, scene="guild"))
    assert [quotas.reserve(guild, now) for _ in range(20)] == [None] * 20
    assert ProactiveSend.objects.count() == 1


@pytest.mark.django_db
def test_looking_takes_few_questions(django_assert_max_num_queries) -> None:
    delivery, now = make_proactive(), timezone.now()
    for _ in range(5):
        quotas.reserve(delivery, now - timedelta(minutes=1))
    with django_assert_max_num_queries(6):
        quotas.reserve(delivery, now)


@pytest.mark.django_db
def test_what_no_limit_looks_at_is_forgotten() -> None:
    delivery, now = make_proactive(), timezone.now()
    quotas.reserve(delivery, now - timedelta(days=3))
    quotas.reserve(delivery, now - timedelta(hours=23))
    assert quotas.clean() == 1
    assert ProactiveSend.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_no_more_than_the_limit_may_go() -> None:
    delivery, now = make_proactive(proactive_per_second=3), timezone.now()
    ready, answers = threading.Barrier(8), list[datetime | None]()

    def ask() -> None:
        try:
            ready.wait(20)
            with transaction.atomic():
                answers.append(quotas.reserve(delivery, now))
        finally:
            connection.close()

    asking = [threading.Thread(target=ask) for _ in range(8)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert sorted(answer is None for answer in answers) == [False] * 5 + [True] * 3
    assert ProactiveSend.objects.count() == 3
