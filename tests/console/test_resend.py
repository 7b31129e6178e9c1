"""An admin sends a failed delivery again: one attempt more, once, with its proof of who asked."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from qqconsole.accounts.callers import Caller
from qqconsole.accounts.models import AuditLine, User
from qqconsole.deliveries import reasons
from qqconsole.deliveries.models import Attempt, Delivery, Mode, Status
from qqconsole.deliveries.resend import ResendRefused, dismiss, resend, undismiss
from qqconsole.engine.cancel import request_cancel
from tests.console.rows import add_chunk, make_attempt, make_delivery, make_message, make_segment, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(admin: User) -> Caller:
    return Caller("ada", True, user=admin)


@pytest.fixture
def failed() -> Delivery:
    """A text that QQ refused for good."""
    delivery = make_delivery(
        make_session(),
        kind="message",
        generated_text="hello",
        status=Status.FAILED,
        reason="refused",
        code=40034006,
        detail="QQ's own words",
        finished_at=timezone.now(),
        fence=1,
    )
    attempt = make_attempt(delivery, status=Status.FAILED, reason="refused", code=40034006)
    segment = make_segment(attempt, kind="plain", dialect="", status="failed")
    add_chunk(segment, "hello", "plain", status="refused", code=40034006)
    return delivery


def refused(delivery: Delivery, caller: Caller, **options: object) -> str:
    with pytest.raises(ResendRefused) as refusal:
        resend(delivery.pk, caller, **options)  # type: ignore[arg-type]
    assert str(refusal.value) != refusal.value.reason, "a reason nobody put into words"
    return refusal.value.reason


def test_a_failed_delivery_is_queued_again_with_an_attempt_of_its_own(
    failed: Delivery, ada: Caller, django_capture_on_commit_callbacks: Any, rung: Any, published: Any
) -> None:
    before = Attempt.objects.values().get(delivery=failed)
    with django_capture_on_commit_callbacks(execute=True):
        attempt = resend(failed.pk, ada, why="  the text is allowed now ")
    failed.refresh_from_db()
    assert (failed.status, failed.reason, failed.code, failed.detail) == (Status.QUEUED, "", None, "")
    assert failed.finished_at is None
    assert failed.fence == 2, "whoever held it before could still write"
    assert (attempt.number, attempt.status, attempt.mode) == (2, Status.QUEUED, Mode.RESEND)
    assert (attempt.requested_by, attempt.requested_name, attempt.why) == (ada.user, "ada", "the text is allowed now")
    assert Attempt.objects.values().get(number=1) == before
    line = AuditLine.objects.get()
    assert (line.name, line.action, line.subject) == ("ada", "resend", f"delivery {failed.pk}")
    assert line.detail == {"attempt": 2, "mode": "resend", "why": "the text is allowed now", "second_copy": False}
    assert rung() == [("deliveries.deliver", failed.pk)]
    [event] = published()
    assert (event["status"], event["seq"]) == ("queued", failed.seq)
    assert [(row["number"], row["status"]) for row in event["attempts"]] == [(2, "queued")]


def test_an_operator_is_refused_and_nothing_is_written(failed: Delivery, operator: User) -> None:
    olga = Caller("olga", False, user=operator)
    assert refused(failed, olga) == "not_allowed"
    for act in (dismiss, undismiss):
        with pytest.raises(ResendRefused, match=r"."):
            act(failed.pk, olga)
    failed.refresh_from_db()
    assert failed.status == Status.FAILED
    assert failed.attempts.count() == 1
    assert not AuditLine.objects.exists()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("queued", "running"),
        ("sending", "running"),
        ("delivered", "already_delivered"),
        ("in_review", "in_review"),
    ],
)
def test_what_has_not_failed_is_not_sent_again(failed: Delivery, ada: Caller, status: str, reason: str) -> None:
    Delivery.objects.update(status=status)
    assert refused(failed, ada, accept_second_copy=True) == reason
    assert failed.attempts.count() == 1


def test_the_same_key_is_the_same_attempt_whatever_became_of_it(failed: Delivery, ada: Caller) -> None:
    first = resend(failed.pk, ada, idempotency_key="k-1")
    assert resend(failed.pk, ada, idempotency_key="k-1") == first
    Delivery.objects.update(status=Status.DELIVERED)
    assert resend(failed.pk, ada, idempotency_key="k-1") == first
    assert refused(failed, ada, idempotency_key="k-1", mode=Mode.REPEAT) == "key_used_elsewhere"
    assert refused(failed, ada, idempotency_key="k" * 101) == "bad_key"
    assert failed.attempts.count() == 2
    assert AuditLine.objects.count() == 1


def test_what_no_database_stores_does_not_break_it(failed: Delivery, ada: Caller) -> None:
    attempt = resend(failed.pk, ada, why="a\0b", idempotency_key="k\0")
    assert "\0" not in attempt.why + attempt.idempotency_key
    assert resend(failed.pk, ada, idempotency_key="k\0") == attempt


def test_what_qq_may_have_wants_consent(failed: Delivery, ada: Caller) -> None:
    Delivery.objects.update(status=Status.UNKNOWN)
    assert refused(failed, ada) == "second_copy"
    assert resend(failed.pk, ada, accept_second_copy=True).number == 2
    assert AuditLine.objects.get().detail["second_copy"] is True


def test_a_failed_one_of_which_a_part_is_unknown_wants_consent_too(failed: Delivery, ada: Caller) -> None:
    failed.attempts.get().segments.update(status="unknown")
    assert refused(failed, ada) == "second_copy"


def test_a_file_nobody_has_any_more_is_not_sent(ada: Caller) -> None:
    delivery = make_delivery(make_session(), kind="media", status=Status.FAILED)
    assert refused(delivery, ada) == "item_gone"


def test_where_qq_has_everything_nothing_is_left_to_send(failed: Delivery, ada: Caller) -> None:
    failed.attempts.get().segments.update(status="delivered", accepted_length=5)
    assert refused(failed, ada) == "nothing_missing"


def test_a_reply_nobody_wrote_asks_the_model_anew_if_its_message_is_there(ada: Caller) -> None:
    session = make_session()
    delivery = make_delivery(session, make_message(session), status=Status.FAILED, reason="model_busy")
    assert resend(delivery.pk, ada).number == 1
    gone = make_delivery(session, status=Status.FAILED)
    assert refused(gone, ada) == "message_gone"


def test_a_delivery_that_is_gone_is_named_so(ada: Caller) -> None:
    with pytest.raises(ResendRefused) as refusal:
        resend(10**9, ada)
    assert refusal.value.reason == "not_there"


def test_one_cancelled_before_it_began_can_be_sent_again(failed: Delivery, ada: Caller) -> None:
    resend(failed.pk, ada)
    assert request_cancel(failed.pk)
    second = resend(failed.pk, ada)
    assert list(failed.attempts.order_by("number").values_list("status", flat=True)) == [
        "failed",
        "cancelled",
        "queued",
    ]
    assert second.number == 3


def test_one_that_is_due_later_rings_nobody(
    failed: Delivery, ada: Caller, django_capture_on_commit_callbacks: Any, rung: Any
) -> None:
    later = timezone.now() + timedelta(minutes=5)
    with django_capture_on_commit_callbacks(execute=True):
        resend(failed.pk, ada, due_at=later)
    failed.refresh_from_db()
    assert (failed.due_at, rung()) == (later, [])


def test_a_dismissal_is_noted_and_taken_back(failed: Delivery, ada: Caller) -> None:
    assert dismiss(failed.pk, ada).dismissed_at is not None
    assert dismiss(failed.pk, ada).dismissed_at is not None
    assert undismiss(failed.pk, ada).dismissed_at is None
    assert list(AuditLine.objects.order_by("pk").values_list("action", flat=True)) == ["dismiss", "undismiss"]
    dismiss(failed.pk, ada)
    resend(failed.pk, ada)
    failed.refresh_from_db()
    assert failed.dismissed_at is None


def test_every_refusal_is_in_words() -> None:
    said = {"not_allowed", "not_there", "bad_key", "key_used_elsewhere", "running", "already_delivered", "in_review"}
    said |= {"second_copy", "nothing_missing", "item_gone", "message_gone", "no_repeat", "count_changed"}
    said |= {"nothing_to_resend"}
    assert said - set(reasons.REASONS) == set()


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_click_at_once_make_one_attempt(failed: Delivery, ada: Caller, rung: Any) -> None:
    ready = threading.Barrier(2)
    made: list[str] = []

    def click() -> None:
        try:
            ready.wait(20)
            made.append(f"attempt {resend(failed.pk, ada).number}")
        except ResendRefused as refusal:
            made.append(refusal.reason)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert sorted(made) == ["attempt 2", "running"]
    assert failed.attempts.count() == 2
    assert AuditLine.objects.count() == 1
    assert len(rung()) == 1
