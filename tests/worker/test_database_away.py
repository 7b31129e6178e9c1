"""A database that cannot be read: the work waits for it quietly instead of spinning, and goes on when it is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from django.db import OperationalError

from qqconsole.bots.models import Bot
from qqconsole.conversations import inbox
from qqconsole.deliveries.models import Attempt, Status
from qqconsole.engine import run as runs
from qqconsole.engine import writer
from tests.worker.conftest import House, Platform


def test_reads_that_fail_do_not_ring_for_ever(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, looks = runs.read_work, []

    def broken(claim: object) -> object:
        looks.append(time.monotonic())
        if len(looks) < 3:
            raise OperationalError("unable to open database file")
        return read(claim)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "read_work", broken)
    make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, "hello")
    (delivery,) = house.ended()
    assert delivery.status == Status.DELIVERED
    # Nothing of it had left: it is the same attempt that began again, rung by the sweep, not by the failure itself.
    assert Attempt.objects.count() == 1
    assert len(looks) == 3
    assert all(later - earlier > 0.9 for earlier, later in pairwise(looks))


def test_a_message_waits_for_a_database_that_is_away(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """QQ pushes it once: kept as a mere event it would never be answered."""
    receive, tries = inbox.receive, []

    def away(*given: object) -> object:
        tries.append(1)
        if len(tries) <= 2 * writer.TRIES:
            raise OperationalError("the connection is closed")
        return receive(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(inbox, "receive", away)
    make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, "hello")
    (delivery,) = house.ended()
    assert delivery.status == Status.DELIVERED
