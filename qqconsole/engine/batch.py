"""Batch: what the jobs of one transaction want written, gathered and sent to the database in few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from django.db import models

from qqconsole.engine.statements import depth, insert_many, update_many

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
        self._witness: models.Model | None = None
        """The first row it created: the whole transaction stands or falls with it."""

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
        for model in sorted(self._created, key=depth):
            insert_many(model, self._created[model])
            self._witness = self._witness or self._created[model][0]
        grouped: dict[tuple[type[models.Model], tuple[str, ...]], list[models.Model]] = defaultdict(list)
        for (model, _), (row, names) in self._updated.items():
            grouped[model, tuple(sorted(names))].append(row)
        for (model, columns), rows in sorted(grouped.items(), key=lambda item: depth(item[0][0])):
            update_many(model, columns, sorted(rows, key=lambda row: row.pk))
        self._created.clear()
        self._creating.clear()
        self._updated.clear()

    def events(self) -> list[Event]:
        return [make() for make in self._events]

    def committed(self) -> None:
        for call in self._after_commit:
            call()

    def landed(self) -> bool:
        """Whether the transaction took effect all the same, where the commit's own answer was lost (one query)."""
        row = self._witness
        return row is not None and type(row)._base_manager.filter(pk=row.pk).exists()

    def undo(self) -> None:
        for call in reversed(self._undo):
            call()
