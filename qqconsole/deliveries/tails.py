"""Tails: what a source has written since the last frame's intent, kept where the next process finds it.

An intent stores all the text there is (``recorder``). Between two of them a model goes on writing: a throttle of a
second, a retry, a group that gets the whole answer as one message. ``keep`` stores that end of the text for many
deliveries with one statement, and only for those that are still their owner's.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from django.db import connection

from qqconsole.deliveries.models import Delivery, Status, Tail
from qqconsole.engine import prepared

ROWS_AT_ONCE = 200
"""Rows of one statement."""


@dataclass(frozen=True, slots=True)
class TailValues:
    """One row, in the statement's order."""

    delivery_id: int
    fence: int
    start: int
    text: str
    reasoning_start: int
    reasoning: str
    whole: bool


def keep(tails: Sequence[TailValues]) -> None:
    """Store them over the ones before. A delivery that is another's by now, or has ended, is left out."""
    for first in range(0, len(tails), ROWS_AT_ONCE):
        some = tails[first : first + ROWS_AT_ONCE]
        if prepared.available():
            # A column an array: with a value a row and column, binding them cost three times as much.
            columns = [list(column) for column in zip(*map(_values, some), strict=True)]
            prepared.run(_statement(_ARRAYS), [*columns, _SENDING])
            continue
        group = "(" + ", ".join(["%s"] * len(COLUMNS)) + ")"
        given = [value for tail in some for value in _values(tail)]
        with connection.cursor() as cursor:
            cursor.execute(_statement(f"(VALUES {', '.join([group] * len(some))}) v"), [*given, _SENDING])


_SENDING = Status.SENDING.value
COLUMNS = tuple(field.name for field in fields(TailValues))
_values = attrgetter(*COLUMNS)
_TYPES = ("bigint", "integer", "integer", "text", "integer", "text", "boolean")
_ARRAYS = (
    f"unnest({', '.join(f'%s::{name}[]' for name in _TYPES)})"
    f" v({', '.join(f'column{number}' for number in range(1, len(_TYPES) + 1))})"
)


@functools.lru_cache(maxsize=ROWS_AT_ONCE + 1)
def _statement(rows: str) -> str:
    """``rows``: an expression that gives them, with its values to be bound."""
    quote = connection.ops.quote_name
    tail, delivery = quote(Tail._meta.db_table), quote(Delivery._meta.db_table)
    columns = ["delivery_id", "start", "text", "reasoning_start", "reasoning", "whole"]
    names = ", ".join(columns)
    # Both databases call the columns of VALUES so; the second one is the fence, which the row need not keep.
    given = "v.column1, v.column3, v.column4, v.column5, v.column6, v.column7"
    anew = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    return (
        f"INSERT INTO {tail} ({names}) SELECT {given} FROM {rows}"  # noqa: S608
        f" JOIN {delivery} d ON d.id = v.column1 AND d.fence = v.column2 WHERE d.status = %s"
        f" ON CONFLICT (delivery_id) DO UPDATE SET {anew}"
    )


def drop(delivery_id: int) -> bool:
    """Forget it: the delivery's own row has everything, or begins from nothing. Returns whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {Tail._meta.db_table} WHERE delivery_id = %s", [delivery_id])  # noqa: S608
        return bool(cursor.rowcount)


def being_written(delivery_id: int) -> bool:
    """Whether the attempt that has the delivery now asked its source, rather than sending what was there already."""
    return Tail.objects.filter(pk=delivery_id).exists()


def take_in(delivery: Delivery) -> bool:
    """Put the tail behind the texts of ``delivery`` in memory (one query). Returns whether its source had ended."""
    tail = Tail.objects.filter(pk=delivery.pk).first()
    if tail is None:
        return False
    delivery.generated_text = _longer(delivery.generated_text, tail.start, tail.text)
    delivery.reasoning_text = _longer(delivery.reasoning_text, tail.reasoning_start, tail.reasoning)
    return tail.whole


def written(delivery: Delivery) -> tuple[str, str]:
    """Return the generated and the reasoning text as they are at this moment. Load it with ``tail``."""
    tail: Tail | None = getattr(delivery, "tail", None) if delivery.status == Status.SENDING else None
    if tail is None:
        return delivery.generated_text, delivery.reasoning_text
    return (
        _longer(delivery.generated_text, tail.start, tail.text),
        _longer(delivery.reasoning_text, tail.reasoning_start, tail.reasoning),
    )


def _longer(stored: str, start: int, tail: str) -> str:
    """An intent after it may have stored more."""
    return stored if len(stored) >= start + len(tail) else stored[:start] + tail
