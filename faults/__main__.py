"""python -m faults [--seed N] [--streams 2000] [--media 300] [--house many|one] …"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from faults.evidence import Evidence
from faults.house import KINDS, simulated
from faults.judge import Violation, judge
from faults.plan import Plan, make_plan
from faults.report import figures, histories
from faults.runner import Runner


async def go(
    plan: Plan, kind: str, folder: Path, *, most_open: int, patience: float, tell: Callable[[str], None] = print
) -> tuple[Evidence, list[Violation]]:
    """Let the plan happen to a house of that kind; return what was left behind and what was not right about it."""
    house, _ = KINDS[kind]
    journal = 40 * (len(plan.lines) + len(plan.files)) + 10_000
    async with simulated(folder, plan.seed, journal) as platform, house(folder, platform) as running:
        evidence = await Runner(plan, running, most_open=most_open, patience=patience, tell=tell).run()
    return evidence, judge(evidence)


def main() -> int:
    """Run it and print the figures; return 0 where nothing was lost, twice or untrue."""
    parser = argparse.ArgumentParser(prog="python -m faults", description="The house under random faults and kill -9.")
    parser.add_argument("--seed", type=int, help="the same plan and the same dice again (default: any)")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--media", type=int, default=300)
    parser.add_argument("--seconds", type=float, help="in which they begin (default: 0.35 a stream)")
    parser.add_argument("--every", type=float, default=12.0, help="seconds between two kills")
    parser.add_argument("--pressure", type=float, default=0.1, help="how likely a request is struck (0.1)")
    parser.add_argument("--house", choices=KINDS, default="many", help="many processes, or all in one")
    parser.add_argument("--most-open", type=int, default=300, help="deliveries under way at once")
    parser.add_argument("--patience", type=float, default=180.0, help="seconds everything may take to end")
    parser.add_argument("--keep", type=Path, help="a folder for logs and evidence, kept")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}", flush=True)
    plan = make_plan(
        seed,
        streams=given.streams,
        files=given.media,
        seconds=given.seconds or max(given.streams * 0.35, 20),
        parts=KINDS[given.house][1],
        every=given.every,
        pressure=given.pressure,
    )
    # Ended from outside, it ends what it started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="qqconsole-faults-", ignore_cleanup_errors=True) as name:
        folder = given.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        evidence, broken = asyncio.run(
            go(plan, given.house, folder, most_open=given.most_open, patience=given.patience)
        )
        if given.keep:
            (folder / "evidence.json").write_text(json.dumps(asdict(evidence), ensure_ascii=False, default=list))
    for line in (*figures(evidence, broken), *histories(evidence, broken)):
        print(line)
    print(f"{'FAIL' if broken else 'PASS'}  the same again: make faults ARGS='{' '.join(_again(sys.argv[1:], seed))}'")
    return 1 if broken else 0


def _again(arguments: list[str], seed: int) -> list[str]:
    return arguments if "--seed" in arguments else ["--seed", str(seed), *arguments]


if __name__ == "__main__":
    sys.exit(main())
