"""``manage.py console`` with a witness: each frame the machine lets go is noted in the file named by BENCH_PROBE.

Nothing else is changed: gateway, inbox, Celery task, claim, model, intent, post and record are the console's own.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from adapter.moves import Move, Send, Wait
from adapter.stream import StreamMachine

OUT: TextIO


class WitnessedMachine(StreamMachine):
    """Notes for each frame the time it waited for, as ``bench.streams`` asks."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._until: float | None = None

    def next(self, now: float) -> Move:
        move = super().next(now)
        if isinstance(move, Wait):
            self._until = move.until
        elif isinstance(move, Send):
            waited = self._until if self._until is not None and self._until <= now else None
            OUT.write(json.dumps({"msg_id": move.frame.reference, "until": waited}) + "\n")
            self._until = None
        return move


def main() -> None:
    """Run the console's command with the arguments given."""
    global OUT
    OUT = open(os.environ["BENCH_PROBE"], "w", buffering=1)  # noqa: SIM115 - open as long as the process lives
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qqconsole.settings")
    import django

    django.setup()
    from django.core.management import execute_from_command_line

    from qqconsole.engine import run

    vars(run)["StreamMachine"] = WitnessedMachine
    execute_from_command_line(["manage.py", "console", *sys.argv[1:]])


if __name__ == "__main__":
    main()
