"""``celery -A qqconsole worker`` with the witness of ``bench.probed_console``; each process has a file of its own."""

from __future__ import annotations

import os
import sys

from bench import probed_console


def main() -> None:
    """Run the worker with the arguments given."""
    name = f"{os.environ['BENCH_PROBE']}.{os.getpid()}"
    probed_console.OUT = open(name, "w", buffering=1)  # noqa: SIM115 - open as long as the process lives
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qqconsole.settings")
    import django

    django.setup()
    from celery.__main__ import main as celery

    from qqconsole.engine import run

    vars(run)["StreamMachine"] = probed_console.WitnessedMachine
    sys.argv = ["celery", "-A", "qqconsole", "worker", *sys.argv[1:]]
    celery()


if __name__ == "__main__":
    main()
