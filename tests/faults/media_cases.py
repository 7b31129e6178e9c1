"""Which step of a file's way fails, how, before or after its effect, how often, and where: the table, and its pairs.

The whole table is 1,432 cases (`make faults`); `make test` runs as few of them as let every two values of any
two columns meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations, product
from typing import Any

STEPS = {
    "data": ("files", "media"),
    "parts": ("prepare", "part", "part_finish", "merge", "media"),
    "url": ("files", "media"),
    "voice": ("files", "media"),
}
"""The steps of each way as the simulator names them; "files" holds for whatever way a refused one falls over to."""

FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "busy": ({"fault": "system_busy"}, ("before", "after")),
    "bad_gateway": ({"fault": "html_502"}, ("before", "after")),
    "reset": ({"fault": "reset"}, ("before", "after")),
    "hang": ({"fault": "hang"}, ("before", "after")),
    "empty": ({"fault": "empty_body"}, ("after",)),
    "null": ({"fault": "json_null"}, ("after",)),
    "wrong_type": ({"fault": "wrong_content_type"}, ("after",)),
    "throttled": ({"fault": "throttled"}, ("before",)),
    "too_large_a_body": ({"fault": "html_413"}, ("before",)),
    "temporary": ({"fault": "code"}, ("before",)),
    "refused": ({"fault": "code"}, ("before",)),
    "token": ({"fault": "token_expired"}, ("before",)),
    "review": ({"fault": "audit_202"}, ("commit",)),
}
"""What the simulator does, and the moments at which it may."""

TEMPORARY = {"prepare": 850027, "part_finish": 40093001, "merge": 850027, "files": 850027, "media": 50055002}
REFUSED = {"prepare": 850031, "part_finish": 40093002, "merge": 850019, "files": 850018, "media": 40054013}
"""QQ's codes at each step (sheet 5.4, 6.1); the storage that takes the parts has none, only a status."""

HARMLESS = frozenset({"throttled", "temporary", "token"})
"""What says that nothing was done, and that it may be done later."""
AMBIGUOUS = frozenset({"busy", "bad_gateway", "reset", "hang", "empty", "null", "wrong_type"})


@dataclass(frozen=True, slots=True)
class Case:
    way: str
    step: str
    fault: str
    when: str
    times: str
    scene: str
    reply: str

    @property
    def name(self) -> str:
        return "-".join(astuple(self))

    def rule(self) -> dict[str, Any]:
        """Return it as the simulator takes it."""
        terms = dict(FAULTS[self.fault][0])
        if terms["fault"] == "code":
            codes = TEMPORARY if self.fault == "temporary" else REFUSED
            terms |= {"code": codes[self.step]} if self.step in codes else {"code": 999, "status": self._status}
        if self.when != "commit":
            terms["when"] = self.when
        return terms | {"endpoint": self.step, "count": 1 if self.times == "once" else None}

    @property
    def _status(self) -> int:
        return 503 if self.fault == "temporary" else 403

    @property
    def makes_sense(self) -> bool:
        """A PUT carries no token and is not reviewed; nor is anything but a message."""
        if self.fault == "token":
            return self.step != "part"
        return self.fault != "review" or self.step == "media"


def whole() -> list[Case]:
    """Return every case."""
    return [
        case
        for way, steps in STEPS.items()
        for step, (fault, (_, moments)) in product(steps, FAULTS.items())
        for when, times, scene, reply in product(
            moments, ("once", "always"), ("c2c", "group"), ("proactive", "passive")
        )
        if (case := Case(way, step, fault, when, times, scene, reply)).makes_sense
    ]


def pairwise(cases: Sequence[Case]) -> list[Case]:
    """Return as few of the cases as a greedy search finds in which each two values meet that meet in any."""
    wanted = {pair for case in cases for pair in _pairs(case)}
    chosen: list[Case] = []
    while wanted:
        best = max(cases, key=lambda case: sum(pair in wanted for pair in _pairs(case)))
        wanted.difference_update(_pairs(best))
        chosen.append(best)
    return chosen


def _pairs(case: Case) -> Iterator[tuple[object, ...]]:
    # "files" of one way is not "files" of another.
    values = list(enumerate((case.way, (case.way, case.step), *astuple(case)[2:])))
    return combinations(values, 2)
