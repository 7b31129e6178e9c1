"""The group writer on a PostgreSQL of its own: poison in a full batch, a real deadlock, a restart under load."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import environ
import psycopg
import pytest
from django.db import IntegrityError, connection, connections

from bench.services import Server
from qqconsole.deliveries import tails
from qqconsole.deliveries.tails import TailValues
from qqconsole.engine.batch import Batch
from qqconsole.engine.writer import GroupWriter, Job


@pytest.fixture
def make_writer(
    postgresql: Server, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], GroupWriter]]:
    """Each connects in its own thread, to that server."""
    config = connections.configure_settings({"default": {**environ.Env.db_url_config(postgresql.url)}})["default"]
    monkeypatch.setitem(connections.settings, "default", config | {"CONN_HEALTH_CHECKS": True})
    with psycopg.connect(postgresql.url) as database:
        database.execute("DROP TABLE IF EXISTS tally")
        database.execute("CREATE TABLE tally (id integer PRIMARY KEY, count integer NOT NULL)")
    made: list[GroupWriter] = []

    def make() -> GroupWriter:
        made.append(GroupWriter())
        made[-1].start()
        return made[-1]

    with django_db_blocker.unblock():
        yield make
        for writer in made:
            writer.stop(5)


def _rows(postgresql: Server) -> list[tuple[int, int]]:
    with psycopg.connect(postgresql.url) as database:
        return database.execute("SELECT id, count FROM tally ORDER BY id").fetchall()


def _insert(key: int) -> Job[int]:
    def run(batch: Batch) -> int:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO tally VALUES (%s, 1)", [key])
        return key

    return Job(run)


async def test_one_poison_job_among_a_hundred(postgresql: Server, make_writer: Callable[[], GroupWriter]) -> None:
    """Its error ends PostgreSQL's whole transaction, and still nobody else hears of it."""
    writer, gate = make_writer(), threading.Event()
    held = writer.submit(Job(lambda batch: gate.wait(10)))
    waiting = [writer.submit(_insert(1 if number == 63 else number)) for number in range(100)]
    gate.set()
    await held
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [number for number, result in enumerate(results) if result != number] == [63]
    assert isinstance(results[63], IntegrityError)
    assert [key for key, _ in _rows(postgresql)] == [number for number in range(100) if number != 63]


async def test_two_writers_that_lock_rows_in_opposite_order(
    postgresql: Server, make_writer: Callable[[], GroupWriter]
) -> None:
    """PostgreSQL ends one of the two; it runs again, and both have written."""
    first, second = make_writer(), make_writer()
    await asyncio.gather(first.submit(_insert(1)), first.submit(_insert(2)))
    both, runs = threading.Barrier(2), []

    def locking(*keys: int) -> Job[None]:
        def run(batch: Batch) -> None:
            runs.append(keys)
            with connection.cursor() as cursor:
                cursor.execute("UPDATE tally SET count = count + 1 WHERE id = %s", [keys[0]])
                # Each has its first row before either asks for the other's; the one that runs again is alone.
                with suppress(threading.BrokenBarrierError):
                    both.wait(10 if len(runs) <= 2 else 0)
                cursor.execute("UPDATE tally SET count = count + 1 WHERE id = %s", [keys[1]])

        return Job(run)

    await asyncio.gather(first.submit(locking(1, 2)), second.submit(locking(2, 1)))
    assert _rows(postgresql) == [(1, 3), (2, 3)]
    assert len(runs) == 3


@pytest.mark.parametrize("how", ["SIGINT", "SIGQUIT"])
async def test_a_server_that_restarts_under_load(
    how: str, postgresql: Server, make_writer: Callable[[], GroupWriter]
) -> None:
    """Whoever waits, waits a little longer: nothing fails, and nothing is lost."""
    writer = make_writer()
    written: list[int] = []
    goals = {200: asyncio.Event()}

    def put(key: int) -> Job[int]:
        def run(batch: Batch) -> int:
            with connection.cursor() as cursor:
                # As an intent's row: written again where the answer to the commit was lost, it is the same row.
                cursor.execute("INSERT INTO tally VALUES (%s, 1) ON CONFLICT (id) DO NOTHING", [key])
            return key

        return Job(run)

    async def stream(number: int) -> None:
        for step in range(1_000_000):
            written.append(await writer.submit(put(number * 1_000_000 + step)))
            if len(written) in goals:
                goals[len(written)].set()
            if over.is_set():
                return

    over = asyncio.Event()
    streams = [asyncio.create_task(stream(number)) for number in range(20)]
    await asyncio.wait_for(goals[200].wait(), 30)
    await asyncio.to_thread(postgresql.end, getattr(signal, how))
    await asyncio.to_thread(postgresql.start)
    goals[more := len(written) + 200] = asyncio.Event()
    await asyncio.wait_for(goals[more].wait(), 30)
    over.set()
    await asyncio.gather(*streams)
    assert [key for key, _ in _rows(postgresql)] == sorted(written)


TABLES = """CREATE TABLE deliveries_delivery (id bigint PRIMARY KEY, fence integer, status text);
    CREATE TABLE deliveries_tail (delivery_id bigint PRIMARY KEY, start integer, text text, reasoning_start integer,
        reasoning text, whole boolean);
    INSERT INTO deliveries_delivery VALUES (1, 1, 'sending'), (2, 2, 'sending'), (3, 1, 'delivered'), (4, 1, 'sending')
"""


async def test_many_tails_are_kept_at_once_and_only_for_whoever_owns_them(
    postgresql: Server, make_writer: Callable[[], GroupWriter]
) -> None:
    """Of the columns they need, as the migrations make them: the second is another's by now, the third has ended."""
    with psycopg.connect(postgresql.url) as database:
        database.execute(TABLES)
    writer = make_writer()
    for text in ("床前", "床前明月光"):
        given = [TailValues(pk, 1, pk, text, 0, "嗯", pk == 4) for pk in (1, 2, 3, 4)]
        await writer.submit(Job(lambda batch, given=given: tails.keep(given)))
    with psycopg.connect(postgresql.url) as database:
        rows = database.execute("SELECT * FROM deliveries_tail ORDER BY 1").fetchall()
    assert rows == [(1, 1, "床前明月光", 0, "嗯", False), (4, 4, "床前明月光", 0, "嗯", True)]
