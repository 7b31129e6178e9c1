"""The rows of one attempt on their way into the database, and what its viewers are told of them.

All of it belongs to the writer's thread, inside a job of one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qqconsole.deliveries.models import Attempt, Chunk, Delivery, Segment
from qqconsole.engine.batch import Batch, Event
from qqconsole.live.documents import delivery_event


@dataclass(slots=True)
class AttemptRows:
    """What the rows held when they were last written."""

    delivery: Delivery
    attempt: Attempt
    segments: dict[int, Segment] = field(default_factory=dict)
    chunks: dict[tuple[int, int], Chunk] = field(default_factory=dict)


def put_segment(rows: AttemptRows, batch: Batch, number: int, values: dict[str, Any]) -> Segment:
    """Write these values of the segment with this number, a new row where there is none yet; return it."""
    row = rows.segments.get(number)
    if row is None:
        row = Segment(attempt=rows.attempt, number=number, **values)
        rows.segments[number] = row
        batch.create(row, undo=lambda: _forget(rows, number))
    else:
        put(batch, row, values)
    return row


def _forget(rows: AttemptRows, number: int) -> None:
    """The transaction came to nothing: the row is made anew when its job runs again."""
    rows.segments.pop(number, None)


def put_head(rows: AttemptRows, batch: Batch, head: dict[str, Any]) -> Event:
    """Write these values of the delivery; return the live event that tells of it."""
    put(batch, rows.delivery, head)
    return delivery_event(rows.delivery, rows.delivery.session.bot_id)


def put(batch: Batch, row: Any, values: dict[str, Any]) -> None:
    """Write these values of one row."""
    for name, value in values.items():
        setattr(row, name, value)
    batch.update(row, values)


def with_segment_id(event: Event, segment: Segment) -> Event:
    """A new row has its id only once the batch is flushed."""
    event["segments"][0]["id"] = segment.pk
    return event


def with_ids(event: Event, segment: Segment, chunk: Chunk) -> Event:
    """The same of a chunk and its segment."""
    with_segment_id(event, segment)
    event["chunks"][0]["id"] = chunk.pk
    event["chunks"][0]["segment"] = segment.pk
    return event
