"""A database that cannot be read: the work waits for it quietly instead of spinning, and goes on when it is back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from django.db import OperationalError

from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Attempt, Status
from qqconsole.engine import run as runs
from tests.worker.conftest import House, Platform


def test_reads_that_fail_do_not_ring_for_ever(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failures = runs._read_work, []

    def broken(claim: object) -> object:
        if len(failures) < 2:
            failures.append(claim)
            raise OperationalError("unable to open database file")
        return read(claim)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "_read_work", broken)
    make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, "hello")
    (delivery,) = house.ended()
    assert delivery.status == Status.DELIVERED
    tries = list(Attempt.objects.order_by("number"))
    assert len(tries) == 3
    # Rung by the sweep, not by the failure itself.
    assert all((later.started_at - earlier.started_at).total_seconds() > 0.9 for earlier, later in pairwise(tries))
