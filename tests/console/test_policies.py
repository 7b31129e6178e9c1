"""What one reply must keep to, as its rows say it: the window in which QQ takes an answer."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from qqconsole.engine.policies import policy_for
from tests.console.rows import make_bot, make_delivery, make_message, make_session

pytestmark = pytest.mark.django_db


def seconds_left(scene: str, age: timedelta | None) -> float:
    """Of the window of a message that came in now, and that QQ's stamp says is ``age`` old."""
    session = make_session(make_bot(), scene=scene)
    now = timezone.now()
    message = make_message(session, received_at=now, sent_at=None if age is None else now - age)
    until = policy_for(make_delivery(session, message)).reference_until
    assert until is not None
    return until - time.monotonic()


@pytest.mark.parametrize(
    ("scene", "age", "minutes"),
    [
        ("c2c", timedelta(0), 60),
        ("c2c", timedelta(minutes=20), 40),
        ("group", timedelta(minutes=2), 3),
        ("group", timedelta(minutes=30), -25),
        ("group", None, 5),
        # Stamps that cannot be true: a clock or a zone is wrong.
        ("c2c", timedelta(hours=8), 60),
        ("group", timedelta(days=400), 5),
        ("group", timedelta(hours=-8), 5),
    ],
)
def test_the_window_counts_from_a_stamp_that_can_be_true(scene: str, age: timedelta | None, minutes: int) -> None:
    assert seconds_left(scene, age) == pytest.approx(minutes * 60, abs=10)
