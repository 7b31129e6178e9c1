"""The writer's hot path: few statements for many rows, with their SQL composed once.

Django's own ways are built for every shape of query and compose each one anew: ``bulk_create`` spends a third of the
writer's time on the placeholders of its fields, ``bulk_update`` builds a CASE per row. A chunk is written twice and
there may be hundreds a second, so the writer's hot path has these two instead. Values go through Django's fields.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

from django.db import connection, models

from qqconsole.deliveries.models import Delivery, Kind, Status
from qqconsole.engine import prepared

_Field: TypeAlias = "models.Field[Any, Any]"

_PLAIN = (str, int, float)
"""Types that every database takes as they are."""


def insert_many(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Insert the rows in order and give them their primary keys; foreign keys of rows just written are filled in."""
    fields, head, group, tail = _insert(model)
    if prepared.available():
        keys = prepared.insert_many(head + group + tail, [[_value(field, row) for field in fields] for row in rows])
        for row, key in zip(rows, keys, strict=True):
            _has_key(row, key)
        return
    most = max(1, (connection.features.max_query_params or 30_000) // len(fields))
    for first in range(0, len(rows), most):
        some = rows[first : first + most]
        values = [_value(field, row) for row in some for field in fields]
        with connection.cursor() as cursor:
            cursor.execute(head + ", ".join([group] * len(some)) + tail, values)
            keys = cursor.fetchall()
        for row, (key,) in zip(some, keys, strict=True):
            _has_key(row, key)


def _has_key(row: models.Model, key: Any) -> None:
    row.pk = key
    row._state.adding = False
    row._state.db = connection.alias


def update_many(model: type[models.Model], names: tuple[str, ...], rows: Sequence[models.Model]) -> None:
    """Write these fields of the rows as they are now, in the rows' order."""
    fields, statement = _update(model, names)
    values = [(*(_prepared(field, getattr(row, field.attname)) for field in fields), row.pk) for row in rows]
    if prepared.available():
        prepared.run_many(statement, values)
        return
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def fences_of(delivery_ids: Sequence[int]) -> dict[int | None, int]:
    """The fences of those of the deliveries that are being sent; their rows are locked where the database can."""
    table = connection.ops.quote_name(Delivery._meta.db_table)
    if prepared.available():
        query = f"SELECT id, fence FROM {table} WHERE id = ANY(%s) AND status = %s ORDER BY id FOR UPDATE"  # noqa: S608
        return dict(prepared.rows_of(query, [list(delivery_ids), Status.SENDING.value]))
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    places = ", ".join(["%s"] * len(delivery_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, fence FROM {table} WHERE id IN ({places}) AND status = %s ORDER BY id{lock}",  # noqa: S608
            [*delivery_ids, Status.SENDING.value],
        )
        return dict(cursor.fetchall())


def lock_sessions(delivery_ids: Sequence[int]) -> None:
    """Take what ``take`` locks for these deliveries, in the order of the sessions' keys, where the database can."""
    if connection.features.has_select_for_update:
        table = connection.ops.quote_name(Delivery._meta.db_table)
        sessions = f"SELECT DISTINCT session_id FROM {table} WHERE id = ANY(%s) ORDER BY session_id"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_xact_lock(s.session_id) FROM ({sessions}) s", [list(delivery_ids)])  # noqa: S608


def take(delivery_id: int, owner: str, now: datetime, lease_until: datetime) -> bool:
    """Make a queued delivery *sending* and this owner's, where it is due and nothing in its lane is before it
    (``claims.next_in_turn`` in one statement); False where it is not to be had."""
    lease, here = (_prepared(field, at) for field, at in zip(_moments(), (lease_until, now), strict=True))
    values = {"id": delivery_id, "owner": owner, "lease": lease, "now": here}
    values |= {"queued": Status.QUEUED.value, "sending": Status.SENDING.value, "reply": Kind.REPLY.value}
    statement, names = _take()
    with connection.cursor() as cursor:
        if connection.features.has_select_for_update:
            # Two processes that look at one session in the same moment would each find it free.
            table = connection.ops.quote_name(Delivery._meta.db_table)
            lock = f"SELECT pg_advisory_xact_lock(session_id) FROM {table} WHERE id = %s"  # noqa: S608
            cursor.execute(lock, [delivery_id])
        cursor.execute(statement, [values[name] for name in names])
        return bool(cursor.rowcount)


@functools.cache
def _moments() -> tuple[_Field, _Field]:
    return Delivery._meta.get_field("lease_until"), Delivery._meta.get_field("started_at")


@functools.cache
def _take() -> tuple[str, list[str]]:
    table = connection.ops.quote_name(Delivery._meta.db_table)
    named = (
        f"UPDATE {table} SET status = :sending, owner = :owner, lease_until = :lease, started_at = :now,"  # noqa: S608
        " fence = fence + 1, seq = seq + 1, reason = '', code = NULL, detail = '', failed_step = '', due_at = NULL"
        " WHERE id = :id AND status = :queued AND (due_at IS NULL OR due_at <= :now)"
        f" AND NOT EXISTS (SELECT 1 FROM {table} other WHERE other.session_id = {table}.session_id"
        " AND other.status IN (:queued, :sending)"
        f" AND (other.kind = :reply) = ({table}.kind = :reply) AND (other.status = :sending OR"
        f" (other.status = :queued AND other.id < {table}.id AND (other.due_at IS NULL OR other.due_at <= :now))))"
    )
    return re.sub(r":(\w+)", "%s", named), re.findall(r":(\w+)", named)


@functools.cache
def depth(model: type[models.Model]) -> int:
    """How many foreign keys lie between the model and a root: parents are written first."""
    parents = [
        field.related_model
        for field in model._meta.concrete_fields
        if field.is_relation and isinstance(field.related_model, type) and field.related_model is not model
    ]
    return 1 + max((depth(parent) for parent in parents if issubclass(parent, models.Model)), default=0)


@functools.cache
def _insert(model: type[models.Model]) -> tuple[tuple[_Field, ...], str, str, str]:
    key = model._meta.pk
    fields = tuple(field for field in model._meta.concrete_fields if field is not key)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    group = "(" + ", ".join(["%s"] * len(fields)) + ")"
    head = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES "  # noqa: S608 - names of our own models
    return fields, head, group, f" RETURNING {quote(str(key.column))}"


@functools.cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[tuple[_Field, ...], str]:
    by_name = {field.name: field for field in model._meta.concrete_fields}
    fields = tuple(by_name[name] for name in names)
    quote = connection.ops.quote_name
    columns = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    table, key = quote(model._meta.db_table), quote(str(model._meta.pk.column))
    return fields, f"UPDATE {table} SET {columns} WHERE {key} = %s"  # noqa: S608 - names of our own models


def _value(field: _Field, row: models.Model) -> Any:
    value = field.pre_save(row, add=True)
    if value is None and isinstance(field, models.ForeignKey) and field.is_cached(row):
        # The parent got its key in this very transaction, after the child was made.
        value = getattr(row, field.name).pk
        setattr(row, field.attname, value)
    return _prepared(field, value)


def _prepared(field: _Field, value: Any) -> Any:
    if value is None and not isinstance(field, models.JSONField):
        return None
    if type(value) in _PLAIN and not isinstance(field, models.JSONField):
        return value
    if type(value) is datetime:
        # What the field would come to as well, after looking at it thrice.
        return connection.ops.adapt_datetimefield_value(value)
    return field.get_db_prep_save(value, connection)
