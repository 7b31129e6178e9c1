"""The keeper's promise: whatever leaves or does not leave, all that the models said is stored 250 ms later.

Time is the loop's own and nobody's: each moment of a story is looked at, and a busy machine changes nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Delivery, Status, Tail
from qqconsole.deliveries.spoken import Spoken
from qqconsole.deliveries.tails import written
from qqconsole.engine.keeper import Keeper
from qqconsole.engine.writer import GroupWriter, Job
from tests.adapter.virtual_time import run_virtually

PROMISE = 0.25
"""Seconds of text that a crash may cost (issue: "at least every 250 ms")."""
STEP = 0.01

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _the_database_is_asked_from_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


class AtOnce(GroupWriter):
    """The writer without its thread: a transaction takes no time of a loop whose clock is not the wall's."""

    def submit(self, job: Job[Any]) -> asyncio.Future[Any]:
        job.future = asyncio.get_running_loop().create_future()
        self._commit([job])
        return job.future


class Model:
    """One that writes a letter each ``every`` seconds, ``count`` of them, while no frame takes anything along."""

    def __init__(self, keeper: Keeper, number: int, every: float, count: int) -> None:
        bot, _ = Bot.objects.get_or_create(name="bot", defaults={"app_id": "1", "secret": "s"})
        session = Session.objects.create(bot=bot, scene="c2c", target_id=f"{number:032}", last_at=timezone.now())
        self.delivery = Delivery.objects.create(session=session, status=Status.SENDING, fence=1)
        self.spoken = Spoken(self.delivery, keeper, lambda texts: None, generates=True)
        self.every, self.count = every, count
        self.said_at: list[float] = []

    async def write(self) -> None:
        for _ in range(self.count):
            await asyncio.sleep(self.every)
            self.said_at.append(asyncio.get_running_loop().time())
            self.spoken.generated("字")

    def owed(self, now: float) -> int:
        """How many letters must be stored at this moment."""
        return sum(at <= now - PROMISE for at in self.said_at)

    def stored(self) -> int:
        return len(written(Delivery.objects.select_related("tail").get(pk=self.delivery.pk))[0])


async def _watch(models: list[Model], until: float) -> None:
    writing = [asyncio.ensure_future(model.write()) for model in models]
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        await asyncio.sleep(STEP)
        for model in models:
            assert model.stored() >= model.owed(loop.time()), f"at {loop.time():.2f} s"
    await asyncio.gather(*writing)
    assert [model.stored() for model in models] == [model.count for model in models]
    connections.close_all()


def test_a_word_before_a_long_silence_is_stored_in_time() -> None:
    """A gate is shut, or a group waits for the whole answer: no frame comes to carry it."""
    model = Model(Keeper(AtOnce()), 1, every=0.1, count=1)
    run_virtually(_watch([model], until=1.0))


def test_every_word_of_many_models_is_stored_in_time() -> None:
    keeper = Keeper(AtOnce())
    rates = [0.007, 0.03, 0.031, 0.11, 0.19, 0.21, 0.26]
    models = [Model(keeper, number, every, int(1.5 / every)) for number, every in enumerate(rates)]
    run_virtually(_watch(models, until=2.0))


def test_nothing_is_written_for_a_model_that_is_silent_or_whose_words_a_frame_took_along() -> None:
    keeper = Keeper(AtOnce())
    model = Model(keeper, 1, every=0.1, count=1)

    async def story() -> None:
        await model.write()
        await asyncio.sleep(0.1)
        model.spoken.texts()
        await asyncio.sleep(5.0)

    run_virtually(story())
    assert keeper.kept == 0
    assert not Tail.objects.exists()
