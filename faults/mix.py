"""Which faults there are, where each may strike, and how often: the simulator's rules (``simulator/faults.py``).

Each kind strikes at least once, at a request the seed chooses, and all of them at random, by their weight. No rule says
what the platform's own state would belie (a stream called over that is not): such a lie shows nothing about us.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

HANGS = 60.0
"""Seconds; clients give up long before."""
SLOW = 0.8


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    rule: dict[str, Any]
    weight: float = 1.0
    """How often beside the others, where it can strike at all; 0: only when its turn comes."""
    rare: bool = field(default=False)
    """Its place sees few requests: it strikes the first of them."""


def _both(fault: str, weight: float = 1.0, **terms: Any) -> list[Fault]:
    return [Fault(f"{fault} {when}", {"fault": fault, "when": when, **terms}, weight) for when in ("before", "after")]


def _code(
    code: int, endpoint: str, weight: float = 0.0, *, frame: str = "", rare: bool = False, fresh: bool = False
) -> Fault:
    rule = {"fault": "code", "code": code, "endpoint": endpoint}
    rule |= {"frame": frame} if frame else {}
    rule |= {"fresh": True} if fresh else {}
    return Fault(f"code {code} {frame or endpoint}", rule, weight, rare)


FAULTS: tuple[Fault, ...] = (
    *_both("system_busy", 1.5),
    *_both("html_502", 1.0),
    *_both("reset", 1.5),
    *_both("hang", 0.4, seconds=HANGS),
    Fault("throttled", {"fault": "throttled"}, 1.5),
    Fault("slow", {"fault": "slow", "seconds": SLOW}, 2.0),
    Fault("token_expired", {"fault": "token_expired", "endpoint": "stream"}, 0.3),
    Fault("token_expired message", {"fault": "token_expired", "endpoint": "message"}, 0.1),
    Fault("token busy", {"fault": "system_busy", "endpoint": "token"}, 0.0, rare=True),
    Fault("empty_body", {"fault": "empty_body"}, 0.3),
    Fault("json_null", {"fault": "json_null"}, 0.2),
    Fault("wrong_content_type", {"fault": "wrong_content_type"}, 0.2),
    Fault("no_message", {"fault": "no_message", "code": 50055002, "endpoint": "stream"}, 0.2),
    Fault("audit_202", {"fault": "audit_202", "endpoint": "message", "frame": "none"}, 0.2),
    # Refusals by code: for a while, for the way it was said, for good (sheet 6.1). One that speaks of the content would
    # be a lie to the repeat of what was taken a moment ago.
    _code(50055002, "stream", 0.5),
    _code(40034011, "stream", 0.2, frame="opening", fresh=True),
    _code(40034005, "stream", 0.2, frame="opening", fresh=True),
    _code(40054013, "stream", 0.1, frame="opening", fresh=True),
    _code(40034006, "stream", 0.1, frame="middle"),
    _code(50055001, "message", 0.5, frame="none"),
    _code(40034012, "message", 0.3, frame="none", fresh=True),
    _code(40034006, "message", 0.1, frame="none", fresh=True),
    _code(850027, "files", 0.5, rare=True),
    _code(850012, "files", 0.2, rare=True),
    _code(40093002, "files", 0.1, rare=True),
    _code(50055002, "media", 0.5, rare=True),
    _code(304080, "media", 0.2, rare=True),
    _code(40093001, "part_finish", 0.5, rare=True),
    _code(850027, "merge", 0.3, rare=True),
)


def rules(dice: Random, streams: int, pressure: float) -> list[dict[str, Any]]:
    """Return the simulator's rules; ``pressure`` is how likely any one request is struck by the faults that may
    strike anywhere."""

    def skipped(fault: Fault) -> int:
        seen = streams // (10 if fault.rule.get("endpoint") == "message" else 2)
        return 0 if fault.rare else dice.randrange(max(seen, 1))

    once = [fault.rule | {"count": 1, "skip": skipped(fault)} for fault in FAULTS]
    dice.shuffle(once)
    total = sum(fault.weight for fault in FAULTS if "endpoint" not in fault.rule)
    return once + [
        fault.rule | {"probability": round(pressure * fault.weight / total, 5)} for fault in FAULTS if fault.weight
    ]


def name_of(rule: dict[str, Any]) -> str:
    """Return the name of the fault a rule of the simulator's belongs to."""
    for fault in FAULTS:
        if all(rule.get(term) == value for term, value in fault.rule.items()) and _as_wide(rule, fault.rule):
            return fault.name
    return str(rule["fault"])


def _as_wide(rule: dict[str, Any], ours: dict[str, Any]) -> bool:
    return all(rule.get(term) == ours.get(term) for term in ("endpoint", "frame", "code"))
