"""Measure what this project claims: without a name all of it, as one table; ``--soak`` adds the half hour."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from types import ModuleType

from bench import correctness, delay, large, reading, recording, scale, seen, soak, starting, upload
from bench.table import Row, as_json, as_text, failed

TABLED = {"delay": delay, "correctness": correctness, "seen": seen, "recording": recording, "starting": starting}
"""What is in the table: each has ``rows``, which measures and yields."""
ALONE = {"large": large, "reading": reading, "scale": scale, "upload": upload}
"""What prints for itself: each has ``run``."""


def main() -> int:
    """Run one benchmark, or the table; return 0 where every claim was met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--soak", action="store_true", help="with the soak of half an hour")
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    commands = parser.add_subparsers(dest="command")
    parsers: dict[str, argparse.ArgumentParser] = {}
    for name, benchmark in {**TABLED, "soak": soak, **ALONE}.items():
        parsers[name] = commands.add_parser(name, help=(benchmark.__doc__ or "").splitlines()[0])
        benchmark.add_arguments(parsers[name])
    given = parser.parse_args()
    if given.command in ALONE:
        return int(asyncio.run(ALONE[given.command].run(given)))
    if given.command:
        wanted = {given.command: (TABLED.get(given.command, soak), given)}
    else:
        chosen: dict[str, ModuleType] = {**TABLED, "soak": soak} if given.soak else TABLED
        wanted = {name: (benchmark, parsers[name].parse_args([])) for name, benchmark in chosen.items()}
    return asyncio.run(_table(wanted, in_json=given.json))


async def _table(wanted: dict[str, tuple[ModuleType, argparse.Namespace]], *, in_json: bool) -> int:
    found: list[Row] = []
    notes: list[str] = []
    for name, (benchmark, given) in wanted.items():
        print(f"measuring: {name} …", file=sys.stderr, flush=True)
        try:
            async for row in benchmark.rows(given, notes):
                found.append(row)
                print(f"  {row.what}: {row.ours} {row.verdict}", file=sys.stderr, flush=True)
        except Exception as error:
            # The others are still worth measuring; this one says in the table that it is missing.
            found.append(Row(benchmark.GROUP, f"{name}: not measured", type(error).__name__, met=False))
            notes.append(f"{name} was not measured: {type(error).__name__}: {error}")
            if len(wanted) == 1:
                raise
    print(json.dumps(as_json(found, notes), ensure_ascii=False) if in_json else as_text(found, notes))
    return int(failed(found))


if __name__ == "__main__":
    sys.exit(main())
