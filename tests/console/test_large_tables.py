"""Lists stay quick however long the tables grow: read by key, by an index, in few queries. (On ten million chunks in
PostgreSQL: ``python -m bench large``.)"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test import Client

from qqconsole.deliveries.models import Delivery
from qqconsole.deliveries.selecting import Filters
from qqconsole.engine import claims, sweep
from tests.console.rows import make_bot, make_session, make_stream

pytestmark = pytest.mark.django_db
GROWING = "deliveries_(delivery|attempt|segment|chunk|passivepair)|conversations_(inboundmessage|session)"
WHOLE = re.compile(rf"^SCAN ({GROWING})( AS \w+)?$")
"""SQLite's word for reading a table from one end to the other."""


@pytest.fixture
def plans() -> Iterator[Callable[[], list[str]]]:
    """What SQLite would do for each question asked since, a line a step."""
    asked: list[tuple[str, object]] = []

    def note(execute, sql, params, many, context):
        if sql.startswith("SELECT"):
            asked.append((sql, params))
        return execute(sql, params, many, context)

    def read() -> list[str]:
        steps = []
        with connection.cursor() as cursor:
            for sql, params in asked:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
                in_order = re.search(r'ORDER BY (?:1|"\w+"."id") (?:DESC|ASC) LIMIT \d+$', sql) is not None
                found = [row[3] for row in cursor.fetchall()]
                # Rows lie in the order of their keys: a list without a filter takes the first and stops.
                stops = in_order and not any("TEMP B-TREE" in step for step in found)
                steps += [f"{step} -- {sql}" for step in found if not stops]
        asked.clear()
        return steps

    with connection.execute_wrapper(note):
        yield read


def whole(steps: list[str]) -> list[str]:
    return [step for step in steps if WHOLE.match(step.partition(" -- ")[0])]


def fill(sessions: int, deliveries: int) -> None:
    bot = make_bot()
    for _ in range(sessions):
        session = make_session(bot)
        for _ in range(deliveries):
            make_stream(session, ["你", "好"], closed=True)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?bot=1",
        "/sessions/{session}/",
        "/deliveries/",
        "/deliveries/?status=failed&status=unknown&status=interrupted&dismissed=false",
        "/deliveries/?code=304023",
        "/deliveries/?session={session}&status=failed",
        "/deliveries/?since=2026-01-01&until=2026-01-02",
        "/resends/preview/?status=failed",
        "/metrics",
    ],
)
def test_no_page_reads_a_table_from_end_to_end(admin_client: Client, plans, path: str) -> None:
    fill(2, 2)
    plans()
    session = Delivery.objects.values_list("session", flat=True)[0]
    assert admin_client.get(path.format(session=session)).status_code == 200
    assert whole(plans()) == []


def test_neither_sweep_nor_claim_reads_a_table_from_end_to_end(plans) -> None:
    fill(1, 2)
    session = Delivery.objects.values_list("session", flat=True)[0]
    plans()
    sweep.look(False)
    sweep.left_behind(50)
    sweep.wishes("owner")
    claims.next_of_session(session)
    assert whole(plans()) == []


def test_more_rows_are_no_more_queries(admin_client: Client, django_assert_max_num_queries) -> None:
    fill(3, 12)
    session = Delivery.objects.values_list("session", flat=True)[0]
    for path, most in (("/", 12), (f"/sessions/{session}/", 14), ("/deliveries/", 9), ("/api/v1/deliveries", 5)):
        with django_assert_max_num_queries(most):
            admin_client.get(path)


def test_a_span_of_time_is_a_span_of_keys() -> None:
    fill(1, 3)
    newest = Delivery.objects.latest("pk")
    found = Filters.from_json({"since": newest.created_at.isoformat()}).deliveries()
    assert newest in found
    assert str(found.query).count('"deliveries_delivery"."id" >=') == 1
