"""Many failed deliveries sent again by one click: counted before, cut off anywhere, stopped at any time, none twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db.models.signals import post_save
from django.utils import timezone

from qqconsole.accounts.callers import Caller
from qqconsole.accounts.models import AuditLine, Role, User
from qqconsole.bots.models import Bot
from qqconsole.deliveries import bulk, enrolment
from qqconsole.deliveries.models import Attempt, BulkStatus, Delivery, Status
from qqconsole.deliveries.resend import ResendRefused
from qqconsole.deliveries.selecting import Filters
from qqconsole.deliveries.tasks import enrol as enrol_task
from tests.console.rows import make_attempt, make_bot, make_delivery, make_segment, make_session

pytestmark = pytest.mark.django_db

FAST = {"proactive_per_second": 1000, "proactive_per_minute": 60_000, "proactive_target_minute": 60_000}


@pytest.fixture
def ada(admin: User) -> Caller:
    return Caller("ada", True, user=admin)


def make_failed(bot: Bot, count: int, **fields: Any) -> list[Delivery]:
    """So many texts that QQ refused, each to a user of its own."""
    made = []
    for number in range(count):
        values = {"kind": "message", "generated_text": f"text {number}", "status": Status.FAILED, "reason": "refused"}
        values |= {"code": 40034006, "failed_step": "", "finished_at": timezone.now(), "fence": 1}
        delivery = make_delivery(make_session(bot), **{**values, **fields})
        ended = {"status": delivery.status, "reason": delivery.reason, "code": delivery.code}
        attempt = make_attempt(delivery, finished_at=delivery.finished_at, **ended)
        make_segment(attempt, kind="plain", dialect="", status="failed", text=delivery.generated_text)
        made.append(delivery)
    return made


def begin(caller: Caller, filters: Filters | None = None, **options: Any) -> bulk.BulkResend:
    filters = filters or Filters()
    seen = bulk.preview(filters, caller, accept_second_copy=options.get("accept_second_copy", False))
    return bulk.start(filters, caller, expected_total=seen.count, newest_id=seen.newest_id, **options)


def test_the_preview_says_how_many_how_long_and_what_is_left_out(ada: Caller) -> None:
    bot, other = make_bot("alpha"), make_bot("beta", **FAST)
    make_failed(bot, 3)
    make_failed(other, 2)
    make_failed(bot, 1, status=Status.UNKNOWN)
    [doubtful] = make_failed(bot, 1)
    doubtful.attempts.get().segments.update(status="unknown")
    make_failed(bot, 1, dismissed_at=timezone.now())
    make_failed(bot, 1, status=Status.DELIVERED)
    seen = bulk.preview(Filters(), ada)
    assert (seen.count, seen.matching, seen.doubtful, seen.capped) == (5, 9, 1, False)
    assert [(share.name, share.count) for share in seen.by_bot] == [("alpha", 3), ("beta", 2)]
    # 30 a minute, of which a tenth stays free: 2.2 s apart.
    assert [share.estimate_seconds for share in seen.by_bot] == [4, 0]
    assert seen.estimate_seconds == 4
    chosen = bulk.preview(Filters(status=("failed", "unknown")), ada, accept_second_copy=True)
    assert (chosen.count, chosen.doubtful) == (7, 0)
    assert bulk.preview(Filters(status=("unknown",)), ada).count == 0
    assert bulk.preview(Filters(bot=other.pk), ada).count == 2


def test_an_operator_is_refused_everywhere(operator: User, ada: Caller) -> None:
    olga = Caller("olga", False, user=operator)
    make_failed(make_bot(), 1)
    row = begin(ada)
    for ask in (
        lambda: bulk.preview(Filters(), olga),
        lambda: bulk.start(Filters(), olga, expected_total=1),
        lambda: bulk.cancel(row.pk, olga),
    ):
        with pytest.raises(ResendRefused) as refusal:
            ask()
        assert refusal.value.reason == "not_allowed"
    row.refresh_from_db()
    assert row.status == BulkStatus.RUNNING


def test_each_is_queued_once_with_one_audit_line_for_all(ada: Caller) -> None:
    failed = make_failed(make_bot(**FAST), 120)
    row = begin(ada, why="QQ was away")
    enrolment.carry_on(row.pk)
    row.refresh_from_db()
    assert (row.total, row.enrolled, row.skipped, row.status) == (120, 120, 0, BulkStatus.RUNNING)
    again = Attempt.objects.filter(number=2)
    assert set(again.values_list("delivery", flat=True)) == {delivery.pk for delivery in failed}
    assert set(again.values_list("bulk", "why", "requested_name")) == {(row.pk, "QQ was away", "ada")}
    assert list(AuditLine.objects.values_list("action", flat=True)) == ["bulk_resend"]
    now = bulk.progress(row)
    assert (now.total, now.queued, now.waiting, now.ended) == (120, 120, 0, 0)


def test_cut_off_between_two_steps_it_goes_on_where_it_stood(ada: Caller) -> None:
    make_failed(make_bot(**FAST), 12)
    row = begin(ada)
    assert enrolment.enrol(row.pk, batch=5)
    row.refresh_from_db()
    assert (row.enrolled, bulk.progress(row).waiting) == (5, 7)
    # Another process takes it up, then the first one comes back as well.
    for _ in range(2):
        enrolment.carry_on(row.pk)
    row.refresh_from_db()
    assert (row.enrolled, Attempt.objects.filter(bulk=row).count()) == (12, 12)


def test_a_step_that_breaks_leaves_neither_attempts_nor_a_moved_cursor(ada: Caller) -> None:
    failed = make_failed(make_bot(**FAST), 4)
    row = begin(ada)

    def break_down(instance: Attempt, **given: Any) -> None:
        if instance.delivery_id == failed[2].pk:
            raise ConnectionError("the process ends here")

    post_save.connect(break_down, sender=Attempt)
    try:
        with pytest.raises(ConnectionError):
            enrolment.enrol(row.pk)
    finally:
        post_save.disconnect(break_down, sender=Attempt)
    row.refresh_from_db()
    assert (row.cursor, row.enrolled, Attempt.objects.filter(bulk=row).count()) == (0, 0, 0)
    assert Delivery.objects.filter(status="failed").count() == 4
    enrolment.carry_on(row.pk)
    assert Attempt.objects.filter(bulk=row).count() == 4


def test_what_fails_after_the_click_is_not_part_of_it(ada: Caller) -> None:
    bot = make_bot(**FAST)
    make_failed(bot, 2)
    running = make_failed(bot, 1, status=Status.SENDING, finished_at=None)[0]
    make_failed(bot, 1)
    row = begin(ada)
    Delivery.objects.filter(pk=running.pk).update(status="failed", finished_at=timezone.now())
    make_failed(bot, 3)
    enrolment.carry_on(row.pk)
    row.refresh_from_db()
    assert (row.total, row.enrolled) == (3, 3)
    assert not Attempt.objects.filter(bulk=row, delivery=running).exists()


def test_what_changed_meanwhile_is_skipped_and_counted(ada: Caller) -> None:
    failed = make_failed(make_bot(**FAST), 3)
    row = begin(ada)
    Delivery.objects.filter(pk=failed[0].pk).update(status="delivered")
    failed[1].attempts.get().segments.update(status="delivered", accepted_length=6)
    enrolment.carry_on(row.pk)
    row.refresh_from_db()
    assert (row.enrolled, row.skipped) == (1, 2)
    now = bulk.progress(row)
    assert (now.queued, now.skipped, now.ended, now.waiting) == (1, 2, 2, 0)


def test_more_than_the_preview_showed_is_refused(ada: Caller) -> None:
    make_failed(make_bot(), 2)
    with pytest.raises(ResendRefused) as refusal:
        bulk.start(Filters(), ada, expected_total=1)
    assert refusal.value.reason == "count_changed"
    with pytest.raises(ResendRefused) as refusal:
        bulk.start(Filters(kind="media"), ada, expected_total=1)
    assert refusal.value.reason == "nothing_to_resend"


def test_a_second_click_is_the_same_bulk_resend(ada: Caller) -> None:
    make_failed(make_bot(), 2)
    first = begin(ada, idempotency_key="form-1")
    assert begin(ada, idempotency_key="form-1") == first
    with pytest.raises(ResendRefused) as refusal:
        bulk.start(Filters(kind="message"), ada, expected_total=2, idempotency_key="form-1")
    assert refusal.value.reason == "key_used_elsewhere"
    assert AuditLine.objects.count() == 1


def test_the_pace_keeps_every_limit_and_goes_on_behind_what_is_planned(ada: Caller) -> None:
    bot = make_bot(proactive_per_minute=60)
    make_failed(bot, 5)
    started = timezone.now()
    row = begin(ada)
    assert enrolment.enrol(row.pk, batch=3)
    enrolment.carry_on(row.pk)
    due = list(Delivery.objects.filter(attempts__bulk=row).order_by("due_at").values_list("due_at", flat=True))
    assert all(after - before >= timedelta(seconds=1) for before, after in pairwise(due))
    assert due[0] >= started
    assert due[-1] - started < timedelta(seconds=7)
    assert bulk.progress(row).estimate_seconds >= 3


def test_stopped_it_puts_back_what_has_not_begun(ada: Caller, published: Callable[[], list[dict[str, Any]]]) -> None:
    failed = make_failed(make_bot(**FAST), 4, code=40034001, reason="refused")
    row = begin(ada)
    enrolment.enrol(row.pk)
    begun = failed[0]
    Delivery.objects.filter(pk=begun.pk).update(status="sending")
    Attempt.objects.filter(delivery=begun, number=2).update(status="sending")
    assert bulk.cancel(row.pk, ada).status == BulkStatus.CANCELLED
    assert enrolment.unfinished() == [row.pk]
    enrolment.carry_on(row.pk)
    back = Delivery.objects.exclude(pk=begun.pk).values_list("status", "reason", "code", "due_at")
    assert set(back) == {("failed", "refused", 40034001, None)}
    assert set(Attempt.objects.filter(number=1).values_list("status", flat=True)) == {"failed"}
    withdrawn = Attempt.objects.filter(number=2).exclude(delivery=begun)
    assert set(withdrawn.values_list("status", "reason")) == {("cancelled", "cancelled")}
    row.refresh_from_db()
    assert row.finished_at is not None
    assert enrolment.unfinished() == []
    now = bulk.progress(row)
    assert (now.sending, now.cancelled, now.queued, now.total) == (1, 3, 0, 4)
    assert bulk.cancel(row.pk, ada).pk == row.pk
    assert [line.action for line in AuditLine.objects.order_by("pk")] == ["bulk_resend", "bulk_cancel"]


def test_stopped_before_all_were_enrolled_the_others_are_left_alone(ada: Caller) -> None:
    make_failed(make_bot(**FAST), 6)
    row = begin(ada)
    assert enrolment.enrol(row.pk, batch=2)
    bulk.cancel(row.pk, ada)
    enrolment.carry_on(row.pk)
    row.refresh_from_db()
    assert Attempt.objects.filter(bulk=row).count() == 2
    assert Delivery.objects.filter(status="failed").count() == 6
    now = bulk.progress(row)
    assert (now.cancelled, now.waiting, now.ended) == (6, 0, 6)


def test_it_ends_by_itself_when_nothing_is_open_any_more(
    ada: Caller, published: Callable[[], list[dict[str, Any]]], django_capture_on_commit_callbacks: Any
) -> None:
    make_failed(make_bot(**FAST), 2)
    with django_capture_on_commit_callbacks(execute=True):
        row = begin(ada)
        enrol_task(row.pk)
    assert enrolment.unfinished() == [row.pk]
    Attempt.objects.filter(bulk=row).update(status="delivered")
    with django_capture_on_commit_callbacks(execute=True):
        enrol_task(row.pk)
    row.refresh_from_db()
    assert row.status == BulkStatus.DONE
    assert row.finished_at is not None
    told = [event for event in published() if event["type"] == "bulk"]
    assert (told[0]["status"], told[0]["waiting"]) == ("running", 2)
    assert (told[-1]["status"], told[-1]["delivered"], told[-1]["total"]) == ("done", 2, 2)


def test_starting_rings_for_it(ada: Caller, rung: Any, django_capture_on_commit_callbacks: Any) -> None:
    make_failed(make_bot(**FAST), 1)
    with django_capture_on_commit_callbacks(execute=True):
        row = begin(ada)
    assert rung() == [("deliveries.enrol", row.pk)]


def test_who_is_no_admin_any_more_sends_nothing_again(ada: Caller, admin: User) -> None:
    make_failed(make_bot(**FAST), 2)
    row = begin(ada)
    admin.role = Role.OPERATOR
    admin.save()
    enrolment.carry_on(row.pk)
    row.refresh_from_db()
    assert (row.enrolled, row.skipped, row.status) == (0, 2, BulkStatus.DONE)
    assert not Attempt.objects.filter(bulk=row).exists()
