"""PostgreSQL's part of the writer's hot path: statements it has parsed and planned before.

A chunk is written with half a dozen small statements, and the server spent more on understanding them than on doing
them. Django binds values on the client's side, where nothing can be prepared; these cursors bind on the server's.
(A pooler between the two must know prepared statements: docs/operations.md.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from psycopg import Cursor


def available() -> bool:
    """Whether this connection's database has them."""
    return connection.vendor == "postgresql"


def rows_of(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one query; return what it gives."""
    with _cursor() as cursor:
        return cursor.execute(statement, values, prepare=True).fetchall()


def run(statement: str, values: Sequence[Any]) -> None:
    """Run one statement."""
    with _cursor() as cursor:
        cursor.execute(statement, values, prepare=True)


def run_many(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run the statement with each row's values, in one round trip."""
    with _cursor() as cursor:
        cursor.executemany(statement, rows)


def insert_many(statement: str, rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Run the INSERT … RETURNING with each row's values, in one round trip; return the keys in the rows' order."""
    keys: list[Any] = []
    with _cursor() as cursor:
        cursor.executemany(statement, rows, returning=True)
        while True:
            keys += [key for (key,) in cursor.fetchall()]
            if not cursor.nextset():
                return keys


@contextmanager
def _cursor() -> Iterator[Cursor[tuple[Any, ...]]]:
    import psycopg

    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor
