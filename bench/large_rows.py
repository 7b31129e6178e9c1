"""Ten million chunks made inside PostgreSQL: as many conversations, answers and failures as some years of use leave.

Every value follows from the row's number, so two runs make the same rows. Skewed on purpose: one session holds a tenth
of everything, most of the others hold little, and each way to fail takes 2 %.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import django

django.setup()

from django.db import connection, models  # noqa: E402

from qqconsole.accounts.models import AuditLine  # noqa: E402
from qqconsole.bots.models import Bot  # noqa: E402
from qqconsole.conversations.models import InboundMessage, Session  # noqa: E402
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, PassivePair, ProactiveSend, Segment  # noqa: E402
from qqconsole.media.models import MediaFile  # noqa: E402

HOT_SESSION = 1
DAYS = 120
"""How long ago the oldest delivery was."""
SLICE = 50_000
"""Deliveries of one statement."""
OPEN = 300
"""The newest deliveries, which wait or are being sent."""
PER_DELIVERY = 10

_CHANCE = """
CREATE OR REPLACE FUNCTION chance(number bigint, what int) RETURNS double precision IMMUTABLE PARALLEL SAFE LANGUAGE sql
AS 'SELECT (hashint8extended(number, what) & 1048575) / 1048576.0'
"""
_LOREM = "北京的秋天很美：天高云淡，银杏叶落了一地。Tool calls take a while; 请稍等片刻，结果马上就来。"
_STATUS = """CASE WHEN d > {newest} - 100 THEN 'sending' WHEN d > {newest} - {open} THEN 'queued'
 WHEN chance(d, 1) < 0.08 THEN 'failed' WHEN chance(d, 1) < 0.09 THEN 'unknown'
 WHEN chance(d, 1) < 0.11 THEN 'interrupted' WHEN chance(d, 1) < 0.12 THEN 'cancelled'
 WHEN chance(d, 1) < 0.125 THEN 'in_review' ELSE 'delivered' END"""
_REASON = """CASE WHEN d > {newest} - {open} THEN '' WHEN chance(d, 1) < 0.02 THEN 'refused'
 WHEN chance(d, 1) < 0.04 THEN 'model_silent' WHEN chance(d, 1) < 0.06 THEN 'model_error'
 WHEN chance(d, 1) < 0.08 THEN 'moderated' WHEN chance(d, 1) < 0.09 THEN 'no_proof'
 WHEN chance(d, 1) < 0.11 THEN 'interrupted' WHEN chance(d, 1) < 0.12 THEN 'cancelled'
 WHEN chance(d, 1) < 0.125 THEN 'in_review' ELSE '' END"""
_KIND = "CASE WHEN chance(d, 4) < 0.05 THEN 'media' WHEN chance(d, 4) < 0.08 THEN 'message' ELSE 'reply' END"
_AT = "now() - interval '{days} days' * (1 - d::float8 / {newest})"
_CHUNKS = "(2 + floor(21 * chance(d, 6) * chance(d, 6)))::int"
"""Chunks of a segment: most have few, some have twenty."""


def make(chunks: int) -> Iterator[str]:
    """Fill the empty, migrated database of this process; gives a word before each step. For PostgreSQL only."""
    newest = chunks // PER_DELIVERY
    sessions, files = max(100, newest // 20), max(50, newest // 20)
    with connection.cursor() as cursor:
        # The rows keep to the foreign keys by how they are made, and are thrown away after a crash.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_CHANCE)
        yield f"{sessions} sessions, {files} files"
        bots = [Bot.objects.create(name=f"bot {number}", app_id=f"10{number}", secret="s") for number in (1, 2, 3)]
        _fill(cursor, "s", 1, sessions, _sessions(bots))
        _fill(cursor, "f", 1, files, _files())
        _fill(cursor, "a", 1, newest // 10, _audit(newest))
        for low in range(1, newest + 1, SLICE):
            high = min(low + SLICE - 1, newest)
            yield f"deliveries {low} to {high} with all beneath them"
            for rows in _deliveries(newest, sessions, files):
                _fill(cursor, "d", low, high, rows)
        yield "sessions' last moments, sequences, statistics"
        cursor.execute(
            "UPDATE conversations_session s SET last_at = t.at FROM (SELECT session_id, max(created_at) AS at"
            " FROM deliveries_delivery GROUP BY 1) t WHERE t.session_id = s.id"
        )
        for model in (Session, InboundMessage, MediaFile, Delivery, Attempt, Segment, Chunk, PassivePair, AuditLine):
            table = model._meta.db_table
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


Rows = tuple[type[models.Model], str, str, dict[str, str]]
"""A model, what follows the series in FROM, the condition, and an SQL expression for each field that is named."""


def _fill(cursor: Any, name: str, low: int, high: int, rows: Rows) -> None:
    """Insert one row for each number of the series ``name``; fields not named get the model's default."""
    model, joined, condition, expressions = rows
    columns, values, defaults = [], [], []
    for field in model._meta.concrete_fields:
        if field.attname not in expressions and field.primary_key:
            continue
        columns.append(connection.ops.quote_name(str(field.column)))
        if field.attname in expressions:
            values.append(expressions[field.attname].replace("%", "%%"))
        else:
            values.append("%s")
            defaults.append(field.get_db_prep_save(None if field.null else field.get_default(), connection))
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM generate_series({low}::bigint, {high}::bigint) AS {name} {joined} WHERE {condition}",
        defaults,
    )


def _sessions(bots: list[Bot]) -> Rows:
    first, second, third = (bot.pk for bot in bots)
    return (
        Session,
        "",
        "true",
        {
            "id": "s",
            "bot_id": f"CASE WHEN s %% 10 < 7 THEN {first} WHEN s %% 10 < 9 THEN {second} ELSE {third} END".replace(
                "%%", "%"
            ),
            "scene": "CASE WHEN s % 5 = 0 THEN 'group' ELSE 'c2c' END",
            "target_id": "upper(md5(s::text))",
            "name": "CASE WHEN s % 3 = 0 THEN '' ELSE '用户 ' || s END",
            "created_at": f"now() - interval '{DAYS} days'",
            "last_at": f"now() - interval '{DAYS} days' * (1 + chance(s, 0))",
        },
    )


def _files() -> Rows:
    return (
        MediaFile,
        "",
        "true",
        {
            "id": "f",
            "sha256": "encode(sha256(f::text::bytea), 'hex')",
            "md5": "md5(f::text)",
            "sha1": "substr(md5(f::text) || md5(f::text), 1, 40)",
            "md5_10m": "md5(f::text)",
            "size": "10000 + f",
            "mime": "'image/png'",
            "kind": "CASE WHEN f % 10 = 0 THEN 'voice' WHEN f % 10 = 1 THEN 'file' ELSE 'image' END",
            "name": "'picture ' || f || '.png'",
            "file": "'files/xx/' || f",
            "created_at": "now()",
            "last_used_at": "now()",
        },
    )


def _audit(newest: int) -> Rows:
    return (
        AuditLine,
        "",
        "true",
        {
            "name": "'ada'",
            "action": "'resend'",
            "subject": f"'delivery ' || (1 + floor({newest} * chance(a, 9)))::bigint",
            "at": f"now() - interval '{DAYS} days' * (1 - a::float8 / {newest // 10})",
        },
    )


def _deliveries(newest: int, sessions: int, files: int) -> Iterator[Rows]:
    """Deliveries and all that belongs to them, parents first. Keys follow from the delivery's number ``d``."""
    known = {"newest": newest, "open": OPEN, "days": DAYS}
    status, reason, at = _STATUS.format(**known), _REASON.format(**known), _AT.format(**known)
    session = (
        f"(CASE WHEN chance(d, 2) < 0.1 THEN {HOT_SESSION}"
        f" ELSE 2 + floor({sessions - 1} * chance(d, 3) * chance(d, 3)) END)::bigint"
    )
    mine = f"JOIN conversations_session s ON s.id = {session}"
    is_over, with_second = f"d <= {newest - OPEN}", "chance(d, 7) < 0.2"
    text = f"substr(repeat('{_LOREM}', 8), 1 + (d % 50)::int, 60 + (300 * chance(d, 8))::int)"
    yield (
        InboundMessage,
        mine,
        "true",
        {
            "id": "d",
            "bot_id": "s.bot_id",
            "session_id": "s.id",
            "qq_id": "'ROBOT1.0_' || md5(d::text)",
            "event_type": "'C2C_MESSAGE_CREATE'",
            "author_id": "s.target_id",
            "content": f"substr('{_LOREM}', 1, 20)",
            "sent_at": at,
            "received_at": at,
            "raw": """'{"t": "C2C_MESSAGE_CREATE", "d": {"content": "…", "attachments": []}}'""",
        },
    )
    yield (
        Delivery,
        mine,
        "true",
        {
            "id": "d",
            "session_id": "s.id",
            "inbound_id": f"CASE WHEN {_KIND} = 'reply' THEN d END",
            "kind": _KIND,
            "status": status,
            "reason": reason,
            "code": "CASE WHEN chance(d, 1) < 0.02 THEN 40034006 WHEN chance(d, 1) < 0.021 THEN 304023 END",
            "generated_text": text,
            "seq": "20",
            "owner": f"CASE WHEN d > {newest} - 100 THEN 'host:1:abc' ELSE '' END",
            "lease_until": f"CASE WHEN d > {newest} - 100 THEN now() + interval '1 day' END",
            "fence": "1",
            "item_id": f"CASE WHEN {_KIND} = 'media' THEN (1 + floor({files} * chance(d, 5)))::bigint END",
            "media_kind": f"CASE WHEN {_KIND} = 'media' AND d % 2 = 0 THEN 'image' ELSE '' END",
            "failed_step": f"CASE WHEN {_KIND} = 'media' AND chance(d, 1) < 0.08 THEN 'upload' ELSE '' END",
            "requested_name": f"CASE WHEN {_KIND} = 'reply' THEN '' ELSE 'ada' END",
            "dismissed_at": f"CASE WHEN chance(d, 1) < 0.11 AND d < {newest // 2} THEN now() END",
            "created_at": at,
            "started_at": f"{at} + interval '1 second'",
            "finished_at": f"CASE WHEN {is_over} THEN {at} + interval '9 seconds' END",
        },
    )
    done = f"CASE WHEN {is_over} THEN 'closed' ELSE 'open' END"
    attempt = {
        "number": "1",
        "delivery_id": "d",
        "status": status,
        "reason": reason,
        "asked_at": at,
        "started_at": at,
        "finished_at": f"CASE WHEN {is_over} THEN {at} END",
    }
    yield (Attempt, "", f"d <= {newest} - 100", {**attempt, "id": "d"})
    yield (Attempt, "", f"d > {newest} - 100", {**attempt, "id": "d", "status": "'sending'"})
    for key, number, condition in (("d", "1", "true"), (f"{newest} + d", "2", with_second)):
        yield (
            Segment,
            "",
            condition,
            {
                "id": key,
                "attempt_id": "d",
                "number": number,
                "kind": f"CASE WHEN {_KIND} = 'media' THEN 'media' ELSE 'stream' END",
                "status": "CASE WHEN chance(d, 1) BETWEEN 0.08 AND 0.09 THEN 'unknown'"
                f" WHEN chance(d, 1) < 0.03 THEN 'failed' ELSE {done} END",
                "dialect": "'stream_messages'",
                "stream_id": "md5(d::text)",
                "reference": "'ROBOT1.0_' || md5(d::text)",
                "text": text,
                "accepted_length": "60",
                "opened_at": at,
                "closed_at": f"{at} + interval '8 seconds'",
                "seq": "20",
            },
        )
        yield (
            Chunk,
            f", generate_series(1, {_CHUNKS}) AS n",
            condition,
            {
                "segment_id": key,
                "number": "n",
                "kind": f"CASE WHEN n = 1 THEN 'opening' WHEN n = {_CHUNKS} THEN 'closing' ELSE 'middle' END",
                "status": "CASE WHEN chance(d * 32 + n, 10) < 0.02 THEN 'refused'"
                " WHEN chance(d * 32 + n, 10) < 0.03 THEN 'throttled' ELSE 'accepted' END",
                "state": f"CASE WHEN n = {_CHUNKS} THEN 10 ELSE 1 END",
                "index": "n - 1",
                "msg_seq": number,
                "start": "(n - 1) * 30",
                "text": f"substr('{_LOREM}', 1 + (d % 15)::int, 30)",
                "request": """('{"method": "POST", "path": "/v2/users/' || md5(d::text) || '/stream_messages","""
                """ "body": {"input_mode": "replace", "input_state": 1, "content_type": "markdown", "msg_id":"""
                """ "ROBOT1.0_' || md5(d::text) || '", "stream_msg_id": "' || md5(d::text) || '", "msg_seq": 1,"""
                """ "index": ' || n || '}}')::jsonb""",
                "http_status": "200",
                "code": "CASE WHEN chance(d * 32 + n, 10) < 0.02 THEN 40034017"
                " WHEN chance(d * 32 + n, 10) < 0.03 THEN 22009 END",
                "trace_id": "md5((d * 32 + n)::text)",
                "answer": """'{"id": "' || md5(d::text) || '", "timestamp": "2026-11-22T12:00:00+08:00"}'""",
                "sent_at": f"{at} + interval '1 second' * n",
                "answered_at": f"{at} + interval '1 second' * n + interval '60 ms'",
                "elapsed_ms": "60",
                "seq": "n + 2",
            },
        )
    yield (
        PassivePair,
        mine,
        f"{_KIND} = 'reply'",
        {
            "bot_id": "s.bot_id",
            "target_id": "s.target_id",
            "msg_id": "'ROBOT1.0_' || md5(d::text)",
            "msg_seq": "1",
            "segment_id": "d",
        },
    )
    yield (
        ProactiveSend,
        mine,
        f"{_KIND} <> 'reply' AND {at} > now() - interval '2 days'",
        {"bot_id": "s.bot_id", "session_id": "s.id", "delivery_id": "d", "at": at},
    )


if __name__ == "__main__":
    for word in make(int(sys.argv[1])):
        print(word, file=sys.stderr, flush=True)
