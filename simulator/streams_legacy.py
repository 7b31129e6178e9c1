"""Streaming by `stream` in `/messages` (sheet 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.call import Call
from simulator.codes import Refusal


@dataclass(slots=True)
class LegacyStream:
    """One stream."""

    id: str
    open: bool = True
    closing_lost: bool = False


def post_legacy_frame(call: Call) -> dict[str, Any]:
    raise Refusal(50035)
