"""How much a model has written by now: asked for by pages, for no live event tells of it."""

from __future__ import annotations

import pytest
from django.test import Client

from qqconsole.deliveries.models import Status, Tail
from tests.console.rows import make_bot, make_delivery, make_session

pytestmark = pytest.mark.django_db


def test_the_text_that_no_frame_has_taken_along_is_counted(operator_client: Client) -> None:
    delivery = make_delivery(make_session(make_bot()), status=Status.SENDING, generated_text="你好", seq=3)
    address = f"/deliveries/{delivery.pk}/written/"
    told = {"seq": 3, "generated_length": 2, "reasoning_length": 0, "ended": False}
    assert operator_client.get(address).json() == told
    tail = Tail.objects.create(
        delivery=delivery, start=2, text="，世界", reasoning_start=0, reasoning="hm", whole=False
    )
    assert operator_client.get(address).json() == {**told, "generated_length": 5, "reasoning_length": 2}
    tail.whole = True
    tail.save()
    assert operator_client.get(address).json()["ended"] is True


def test_the_text_of_a_removed_delivery_is_not_found(operator_client: Client) -> None:
    assert operator_client.get("/deliveries/99999/written/").status_code == 404
