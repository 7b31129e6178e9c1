"""Ten million chunks in PostgreSQL: every page, API call and statement of the engine timed on them, and on a tenth.

A server of its own on a free port, dropped afterwards; ten million take about ten gigabytes and ten minutes. What must
hold: under 100 ms on the server, and no more on all of it than on a tenth (``GROWS`` and some milliseconds for noise).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from bench.processes import ROOT
from bench.services import missing_services, postgresql

MOST = 100.0
"""Milliseconds that a question may take."""
GROWS, NOISE = 2.0, 15.0
"""How many times as long it may take on ten times the rows, beside so many milliseconds that mean nothing."""
BOUNDED = ("/resends/preview/", "admin ")
"""Questions that look through up to 10,000 or 50,000 rows on purpose: they must not grow, but may take longer."""
MOST_BOUNDED = 1000.0

Reading = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--chunks", type=int, default=10_000_000, help="how many (10000000)")
    parser.add_argument("--verbose", action="store_true", help="explain the statements that took over 20 ms")
    parser.add_argument("words", nargs="*", help="only questions whose name holds one of these")


async def run(given: argparse.Namespace) -> int:
    """Return 0 where every question meets its bounds."""
    if missing := missing_services():
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 2
    return await asyncio.to_thread(_measured, given)


def _measured(given: argparse.Namespace) -> int:
    with postgresql() as url, tempfile.TemporaryDirectory(prefix="qqconsole-large-") as home:
        small = _readings(url, home, "tenth", given.chunks // 10, given.words)
        large = _readings(url, home, "whole", given.chunks, given.words)
    return _told(small, large, given.verbose)


def _readings(url: str, home: str, name: str, chunks: int, words: list[str]) -> dict[str, Reading]:
    server = url.rpartition("/")[0]
    environment = {
        **os.environ,
        "DATABASE_URL": f"{server}/{name}",
        "QQCONSOLE_HOME": home,
        "DJANGO_SETTINGS_MODULE": "qqconsole.settings",
        "QQCONSOLE_LOG_LEVEL": "ERROR",
    }
    subprocess.run(["psql", "-q", url, "-c", f"CREATE DATABASE {name}"], check=True)
    _python(environment, "manage.py", "migrate", "-v0")
    print(f"{chunks:,} chunks …", file=sys.stderr, flush=True)
    _python(environment, "-m", "bench.large_rows", str(chunks))
    said = _python(environment, "-m", "bench.large_questions", *words)
    return {reading["name"]: reading for reading in map(json.loads, said.splitlines())}


def _python(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def verdict(small: float, large: float, name: str = "") -> str:
    """Return "" where a question that took so many milliseconds on a tenth and on the whole is well, else why not."""
    most = MOST_BOUNDED if any(word in name for word in BOUNDED) else MOST
    if large > most:
        return f"over {most:.0f} ms"
    return "grows" if large > small * GROWS + NOISE else ""


def _told(small: dict[str, Reading], large: dict[str, Reading], verbose: bool) -> int:
    print(f"{'on a tenth':>10} {'on all':>8} {'database':>8} {'first':>8} {'max':>8} {'queries':>7}  (ms)")
    failed = 0
    for name, reading in large.items():
        # The keys in the names differ between the two: their places are the same.
        before = list(small.values())[list(large).index(name)]
        said = verdict(before["best"], reading["best"], name)
        failed += bool(said)
        figures = f"{before['best']:10.1f} {reading['best']:8.1f} {reading['sql']:8.1f} {reading['first']:8.1f}"
        print(f"{figures} {reading['most']:8.1f} {reading['queries']:7d}  {'FAIL' if said else 'PASS'} {name} {said}")
        if verbose:
            for slow in reading["slow"]:
                print(f"    {slow}")
    print(f"{len(large) - failed} of {len(large)} PASS")
    return 1 if failed else 0
