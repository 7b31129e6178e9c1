"""python -m bench [delay|reading|scale|upload] …"""

from __future__ import annotations

import argparse
import asyncio
import sys

from bench import delay, reading, scale, upload


def main() -> int:
    """Run one benchmark, or all; return 0 where every claim was met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    benchmarks = {benchmark.__name__.rpartition(".")[2]: benchmark for benchmark in (delay, reading, scale, upload)}
    for name, benchmark in benchmarks.items():
        benchmark.add_arguments(commands.add_parser(name, help=(benchmark.__doc__ or "").splitlines()[0]))
    # Without a word: the benchmark that carries the claim.
    given = parser.parse_args(sys.argv[1:] or ["delay"])
    return int(asyncio.run(benchmarks[given.command].run(given)))


if __name__ == "__main__":
    sys.exit(main())
