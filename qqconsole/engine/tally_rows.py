"""The tallies of all processes together: each adds its own sums every few seconds, and anybody reads them."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from qqconsole import tallies
from qqconsole.engine.models import Tally
from qqconsole.live.publish import counters

_told: dict[str, int] = {}
"""What of the publisher's own counts is in the tallies already."""


def take() -> dict[tallies.Key, float]:
    """Return what this process counted since the last time; give it to ``add``, or back (``tallies.give_back``)."""
    for what, seen in counters().items():
        if (news := seen - _told.get(what, 0)) > 0:
            tallies.count("live", f'what="{what}"', news)
        _told[what] = seen
    return tallies.take()


def add(taken: Mapping[tallies.Key, float]) -> None:
    """Add to the rows, in the running transaction. In one order, so that two processes never wait for each other."""
    quote = connection.ops.quote_name
    table, value = quote(Tally._meta.db_table), quote("value")
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (name, labels, {value}) VALUES (%s, %s, %s)"  # noqa: S608 - names of our own model
            f" ON CONFLICT (name, labels) DO UPDATE SET {value} = {table}.{value} + excluded.{value}",
            [(name, labels, by) for (name, labels), by in sorted(taken.items())],
        )


def read() -> dict[str, dict[str, float]]:
    """Return every tally as it stands in the rows: by name, then by labels (one query)."""
    found: dict[str, dict[str, float]] = {}
    for name, labels, value in Tally.objects.values_list("name", "labels", "value"):
        found.setdefault(name, {})[labels] = value
    return found
