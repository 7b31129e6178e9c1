"""What of the engine is alive: in this process where it runs one, else by the other processes' signs of life."""

from __future__ import annotations

import time

from django.db import DatabaseError, connection

from qqconsole.engine import beats, engine

SWEEP_WITHIN = 30.0
"""Seconds within which a sweep must have succeeded."""


def check() -> dict[str, str]:
    """Each part's name with "" or what is wrong with it, in English words."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        parts = {"database": ""}
        parts |= _own() if engine.running() is not None else _others()
    except DatabaseError as error:
        return {"database": f"does not answer: {type(error).__name__}", "loop": "", "worker": "", "sweep": ""}
    return parts


def _own() -> dict[str, str]:
    mine = engine.running()
    assert mine is not None
    swept = time.monotonic() - mine.sweep.swept_at < SWEEP_WITHIN
    return {
        "loop": "" if mine.alive and mine.writer.alive else "has stopped",
        "worker": "" if mine.worker_alive() else "takes no tasks",
        "sweep": "" if swept else f"has not succeeded for {SWEEP_WITHIN:.0f} s",
    }


def _others() -> dict[str, str]:
    missing = "" if beats.alive("engine") else "no process that runs one was seen lately"
    worker = "" if beats.alive("worker") else "no worker process was seen lately"
    return {"loop": missing, "worker": worker, "sweep": missing}
