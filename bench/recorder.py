"""Record chunks as fast as they go, then write the floor's; print both as JSON. ``bench.recording`` starts it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from adapter.answers import Accepted, Exchange
from adapter.frames import Frame, FrameKind, Pair
from adapter.request import Endpoint, Request
from adapter.segment import Segment
from adapter.sender import Intent
from adapter.verdicts import Verdict
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.ledger import Address
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, Status
from qqconsole.deliveries.recorder import AttemptRecorder
from qqconsole.engine.writer import GroupWriter

TEXT = "天地玄黄宇宙洪荒日月盈昃辰宿列张"
A_TRANSACTION = 100


def _recorder(writer: GroupWriter, bot: Bot, number: int) -> AttemptRecorder:
    target = f"{number:032X}"
    session = Session.objects.create(bot=bot, scene="c2c", target_id=target, last_at=timezone.now())
    delivery = Delivery.objects.create(session=session, status=Status.SENDING, fence=1)
    attempt = Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now())
    # The message it answers: the ledger looks whether it takes an answer.
    InboundMessage.objects.create(bot=bot, qq_id=_msg_id(number), session=session, received_at=timezone.now())
    return AttemptRecorder(writer, delivery, attempt, Address(bot.pk, target, "stream_messages", most=4))


def _msg_id(number: int) -> str:
    return f"ROBOT1.0_{number}"


def _build(msg_seq: int | None) -> Request:
    return Request("POST", "/v2/users/x/stream_messages", {"msg_seq": msg_seq, "content_raw": TEXT}, Endpoint.STREAM)


async def _record(recorder: AttemptRecorder, msg_id: str, until: float) -> int:
    """Write intents and outcomes, as one stream would without a pace; return how many chunks."""
    segment = Segment(1, markdown=True, text=TEXT)
    count = 0
    while time.monotonic() < until:
        kind, pair = (FrameKind.MIDDLE, Pair.SEGMENT) if count else (FrameKind.OPENING, Pair.NEW)
        start = count * len(TEXT)
        frame = Frame(kind, 1, start, start + len(TEXT), TEXT, TEXT, True, msg_id, pair, index=count)
        intent = await recorder.intend(frame, segment, _build)
        assert isinstance(intent, Intent)
        answer = Accepted("ROBOT1.0_stream", exchange=Exchange(http_status=200, trace_id="bench", elapsed=0.01))
        # Nobody waits for it, but for the end: the next intent is written behind it.
        settled = recorder.settle(intent, answer, Verdict.ACCEPTED, segment)
        count += 1
    await settled
    return count


async def _ours(streams: int, seconds: float, bot: Bot) -> dict[str, float]:
    writer = GroupWriter()
    writer.start()
    recorders = await asyncio.to_thread(lambda: [_recorder(writer, bot, number) for number in range(streams)])
    began, before = time.monotonic(), time.process_time()
    counts = await asyncio.gather(
        *(_record(each, _msg_id(number), began + seconds) for number, each in enumerate(recorders))
    )
    took, used = time.monotonic() - began, time.process_time() - before
    await asyncio.to_thread(writer.stop, 10)
    return {"ours": sum(counts) / took, "cpu": used / sum(counts) * 1000}


def _floor(seconds: float) -> float:
    """The rows of one chunk that is there, again and again."""
    model = Chunk.objects.order_by("-pk").first()
    assert model is not None
    fields = [field for field in Chunk._meta.concrete_fields if field is not Chunk._meta.pk]
    values = [field.get_db_prep_save(getattr(model, field.attname), connection) for field in fields]
    names = [str(field.column) for field in fields]
    place, status = names.index("number"), names.index("status")
    table, marks = connection.ops.quote_name(Chunk._meta.db_table), ", ".join(["%s"] * len(names))
    columns = ", ".join(map(connection.ops.quote_name, names))
    count, began = 1_000_000, time.monotonic()
    while time.monotonic() - began < seconds:
        rows = []
        for number in range(count, count + A_TRANSACTION):
            row: list[Any] = list(values)
            row[place] = number
            rows.append(row)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # names of our own model
            changed = [(values[status], model.segment_id, row[place]) for row in rows]
            cursor.executemany(f"UPDATE {table} SET status = %s WHERE segment_id = %s AND number = %s", changed)
        count += A_TRANSACTION
    return (count - 1_000_000) / (time.monotonic() - began)


def main() -> None:
    """Do both; the arguments are the number of streams and of seconds."""
    streams, seconds = int(sys.argv[1]), float(sys.argv[2])
    bot = Bot.objects.create(name=f"bench{streams}", app_id=str(streams), secret="s")
    said = asyncio.run(_ours(streams, seconds, bot))
    said["floor"] = _floor(seconds / 2)
    print(json.dumps(said), flush=True)
