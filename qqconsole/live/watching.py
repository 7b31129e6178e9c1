"""Whether anybody watches the live view of this process right now."""

from __future__ import annotations

import threading

_lock = threading.Lock()
_viewers = 0


def came() -> None:
    global _viewers
    with _lock:
        _viewers += 1


def left() -> None:
    global _viewers
    with _lock:
        _viewers -= 1


def anybody() -> bool:
    return _viewers > 0
