"""Batch: what the jobs of one transaction want written, gathered and sent to the database in few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection, models

Event = dict[str, Any]


class Batch:
    """Belongs to the writer's thread. Rows given to ``create`` and ``update`` are written by ``flush``."""

    def __init__(self) -> None:
        self._created: dict[type[models.Model], list[models.Model]] = {}
        self._creating: set[int] = set()
        self._updated: dict[tuple[type[models.Model], Any], tuple[models.Model, set[str]]] = {}
        self._events: list[Callable[[], Event]] = []
        self._undo: list[Callable[[], None]] = []
        self._after_commit: list[Callable[[], None]] = []

    def create(self, row: models.Model, undo: Callable[[], None] | None = None) -> None:
        """``undo`` is called when the transaction comes to nothing, before the job runs again."""
        self._created.setdefault(type(row), []).append(row)
        self._creating.add(id(row))
        if undo is not None:
            self._undo.append(undo)

    def update(self, row: models.Model, fields: Iterable[str]) -> None:
        """Write these fields as they are when the batch is flushed."""
        if id(row) in self._creating:
            return
        _, names = self._updated.setdefault((type(row), row.pk), (row, set()))
        names.update(fields)

    def publish(self, event: Callable[[], Event]) -> None:
        """``event`` is made after the flush, when new rows have their ids, and goes out after the commit."""
        self._events.append(event)

    def after_commit(self, call: Callable[[], None]) -> None:
        """``call`` must be quick and must not raise; it runs in the writer's thread."""
        self._after_commit.append(call)

    def flush(self) -> None:
        """Write what was gathered so far; what comes later is gathered anew."""
        # Django's model order puts parents before their children.
        for model in sorted(self._created, key=_depth):
            model._default_manager.bulk_create(self._created[model])
        grouped: dict[tuple[type[models.Model], tuple[str, ...]], list[models.Model]] = defaultdict(list)
        for (model, _), (row, names) in self._updated.items():
            grouped[model, tuple(sorted(names))].append(row)
        for (model, columns), rows in sorted(grouped.items(), key=lambda item: _depth(item[0][0])):
            _update_many(model, columns, sorted(rows, key=lambda row: row.pk))
        self._created.clear()
        self._creating.clear()
        self._updated.clear()

    def events(self) -> list[Event]:
        return [make() for make in self._events]

    def committed(self) -> None:
        for call in self._after_commit:
            call()

    def undo(self) -> None:
        for call in reversed(self._undo):
            call()


def _depth(model: type[models.Model]) -> int:
    """How many foreign keys lie between the model and a root: parents are written first."""
    parents = [
        field.related_model
        for field in model._meta.concrete_fields
        if field.is_relation and isinstance(field.related_model, type) and field.related_model is not model
    ]
    return 1 + max((_depth(parent) for parent in parents if issubclass(parent, models.Model)), default=0)


def _update_many(model: type[models.Model], names: tuple[str, ...], rows: list[models.Model]) -> None:
    """One prepared statement for all rows: ``bulk_update`` builds a CASE per row and is many times slower."""
    by_name = {field.name: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in names]
    quote = connection.ops.quote_name
    columns = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    values = [
        (*(field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields), row.pk) for row in rows
    ]
    statement = f"UPDATE {quote(model._meta.db_table)} SET {columns} WHERE {quote(str(model._meta.pk.column))} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
