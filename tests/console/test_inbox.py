"""What no column can hold is kept as it came, and never taken for something else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapter.events import Event
from qqconsole.bots.models import BotConnection
from qqconsole.conversations import inbox
from qqconsole.conversations.models import PlatformEvent
from tests.console.rows import make_bot

pytestmark = pytest.mark.django_db


def event(id: str, session_id: str = "s-1", seq: int = 7) -> Event:
    return Event("FRIEND_ADD", id, seq, {"openid": "U"}, datetime.now(UTC), session_id)


def test_two_events_whose_long_ids_begin_alike_are_both_kept():
    owner = make_bot()
    inbox.keep(owner.pk, event("e" * 200 + "1"))
    inbox.keep(owner.pk, event("e" * 200 + "2"))
    assert list(PlatformEvent.objects.values_list("event_id", flat=True)) == ["", ""]


def test_an_event_is_kept_once_however_often_it_comes():
    owner = make_bot()
    for _ in range(3):
        inbox.keep(owner.pk, event("e" * 200))
    assert PlatformEvent.objects.count() == 1


def test_a_gateway_session_that_cannot_be_kept_is_not_resumed_as_another():
    owner = make_bot()
    connection = BotConnection.objects.create(bot=owner, gateway_session="s-0", gateway_seq=3)
    inbox.keep(owner.pk, event("one", session_id="s" * 201))
    connection.refresh_from_db()
    assert (connection.gateway_session, connection.gateway_seq) == ("s-0", 3)
