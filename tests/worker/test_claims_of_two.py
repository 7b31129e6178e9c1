"""Two processes that claim in the same sessions at once, as after a restart of the broker: neither waits for the other
for longer than it writes."""

from __future__ import annotations

import json
import subprocess

from tests.worker.test_shared_quotas import PREPARE, ROOT, environment, program

__all__ = ["environment"]

CLAIM = """
import asyncio, json
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from qqconsole.engine import claims
from qqconsole.engine.writer import GroupWriter, Job
keys = [make_delivery(make_session(bot, target_id=f"{number:032X}"), status="queued").pk for number in range(150)]

async def all_of(owner, keys):
    writer = GroupWriter()
    writer.start()
    def job(key):
        return Job(lambda batch: claims.claim(batch, key, owner) is not None, claims=key)
    claimed = await asyncio.gather(*(writer.submit(job(key)) for key in keys))
    await asyncio.to_thread(writer.stop, 10)
    return sum(claimed)

with ThreadPoolExecutor(2) as pool:
    askers = [pool.submit(asyncio.run, all_of(*who)) for who in (("a", keys), ("b", keys[::-1]))]
    claimed = [asker.result() for asker in askers]
connection.close()
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_stat_force_next_flush()")
    cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    print(json.dumps([sum(claimed), cursor.fetchone()[0]]))
"""


def test_claims_in_opposite_orders_do_not_wait_for_each_other(environment: dict[str, str]) -> None:
    done = subprocess.run(program(PREPARE + CLAIM), cwd=ROOT, env=environment, check=True, capture_output=True)
    # Claimed once each; and PostgreSQL never had to end one of the two.
    assert json.loads(done.stdout.splitlines()[-1]) == [150, 0]
