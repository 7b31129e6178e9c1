"""How many chunks a second the console's record takes: intent and outcome of each, through the engine's own writer.

On SQLite in a file and on PostgreSQL; nothing is sent. The floor writes the same rows with the database's driver, an
insert and an update for each chunk, in transactions of a hundred: no reading, no fence, no live events.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext

from bench.console_side import manage
from bench.processes import line_with, running
from bench.services import missing_services, postgresql
from bench.table import Row

GROUP = "Recorded chunks a second"
RECORDER = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "qqconsole.settings"
import django
django.setup()
from bench.recorder import main
main()
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each is measured (8)")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 200], help="deliveries at once (1 200)")


async def rows(given: argparse.Namespace, notes: list[str]) -> AsyncIterator[Row]:
    """Measure each database."""
    for name in ("SQLite", "PostgreSQL"):
        if name == "PostgreSQL" and (missing := missing_services()):
            notes.append(f"PostgreSQL was not measured: {', '.join(missing)} is not installed.")
            continue
        with _database(name) as url, tempfile.TemporaryDirectory(prefix="qqconsole-bench-") as folder:
            environment = {"QQCONSOLE_HOME": folder, **({"DATABASE_URL": url} if url else {})}
            await manage(environment, "migrate", "-v", "0")
            for streams in given.streams:
                arguments = ("-c", RECORDER, str(streams), str(given.seconds))
                async with running(*arguments, environment=environment) as process:
                    said = json.loads(await line_with(process, "{", within=given.seconds * 3 + 60))
                yield Row(GROUP, f"{name}, {streams} at once", said["ours"], said["floor"] if streams > 1 else None)
                yield Row(GROUP, f"{name}, {streams} at once: CPU a chunk, ms", said["cpu"])


@contextmanager
def _database(name: str) -> Iterator[str]:
    with postgresql() if name == "PostgreSQL" else nullcontext("") as url:
        yield url
