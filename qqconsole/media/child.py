"""Decoders run in a process of their own: what breaks them breaks nothing here, and they see no secret.

A crash, a time-out and nonsense all read as "unreadable"; the console goes on.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

CHILDREN = Path(__file__).parent / "children"
MEMORY = 1_500 * 1_048_576
"""Bytes for a program of others, which sets itself no limit: a few megabytes of video can ask for ten gigabytes."""
MOST = 2
"""At a time: many pictures at once must not take the machine."""
AT_ONCE = threading.BoundedSemaphore(MOST)


def ask(program: str, *given: str, seconds: float) -> dict[str, Any]:
    """What ``children/PROGRAM.py`` answers; ``{"problem": "unreadable"}`` when it does not. Blocks."""
    said = run([sys.executable, "-I", str(CHILDREN / f"{program}.py"), *given], seconds)
    try:
        answer = json.loads(said or b"")
    except ValueError:
        return {"problem": "unreadable", "detail": f"the {program} decoder gave no answer"}
    return answer if isinstance(answer, dict) else {"problem": "unreadable"}


def ffmpeg() -> str | None:
    """Where ffmpeg is, if it is there: frames of videos and the rarer kinds of sound need it."""
    return shutil.which("ffmpeg")


def run_bounded(command: list[str], seconds: float) -> bytes | None:
    """``run`` for a program of others, with ``MEMORY`` bytes at most."""
    return run([sys.executable, "-I", str(CHILDREN / "bounded.py"), str(MEMORY), *command], seconds)


def run(command: list[str], seconds: float) -> bytes | None:
    """What the program printed; None where it failed, crashed or took longer. No shell, no secret, no input."""
    with AT_ONCE:
        try:
            done = subprocess.run(  # noqa: S603 - a list of ours; what came from outside is a path we made
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                env={"PATH": os.environ.get("PATH", os.defpath)},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("%s did not end well: %s", Path(command[0]).name, type(error).__name__)
            return None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        log.info("%s ended with %d: %s", Path(command[0]).name, done.returncode, said[:200])
        return None
    return done.stdout
