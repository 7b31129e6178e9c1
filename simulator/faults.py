"""Faults on demand: rules in the spirit of Mailpit's Chaos, each of which says how often it fired (sheet 8.10).

Several rules with a probability each are a mix by weight: they are asked in their order, and one of them strikes.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

BEFORE, COMMIT, AFTER = "before", "commit", "after"

# Every fault, with the moment it strikes unless the rule says otherwise: before the request took effect, on its
# effect itself, or after it took effect (when only the answer is spoilt).
FAULTS: dict[str, str] = {
    "system_busy": BEFORE,
    "throttled": BEFORE,
    "reset": BEFORE,
    "hang": AFTER,
    "slow": BEFORE,
    "html_413": BEFORE,
    "html_502": BEFORE,
    "no_message": BEFORE,
    "ok_with_code": BEFORE,
    "json_string": AFTER,
    "json_null": AFTER,
    "json_list": AFTER,
    "audit_202": COMMIT,
    "audit_201": COMMIT,
    "undelivered": COMMIT,
    "empty_body": AFTER,
    "wrong_content_type": AFTER,
    "charset": AFTER,
    "code": BEFORE,
    "token_expired": BEFORE,
    "ip_refused": BEFORE,
}
ENDPOINTS = frozenset(
    {
        "message",
        "media",
        "stream",
        "files",
        "merge",
        "prepare",
        "part",
        "part_finish",
        "recall",
        "interaction",
        "me",
        "gateway",
        "token",
    }
)
FRAMES = frozenset({"opening", "middle", "closing", "none"})


@dataclass(slots=True)
class FaultRule:
    """One rule. None means any; `count` is how often it fires at most, `seconds` how long slow and hang take.

    `fresh` leaves alone whatever repeats a (msg_id, msg_seq) that QQ has: a refusal that speaks of the content comes
    the first time or never. `skip` lets that many of the requests it speaks of pass first: `skip=2, count=1` is the
    third and no other.

    `endpoint` "stream" means the streaming frames of both dialects; "message" every request to a messages address,
    a `messages.stream` frame included, "media" only those that send a file (msg_type 7). "files" means every request
    to a files address, "merge" only the end of an upload in parts. `frame` "none" means no streaming frame.
    """

    id: int
    fault: str
    endpoint: str | None = None
    scene: str | None = None
    frame: str | None = None
    when: str = BEFORE
    count: int | None = None
    skip: int = 0
    probability: float | None = None
    bot: str | None = None
    target: str | None = None
    code: int | None = None
    status: int | None = None
    text: str | None = None
    seconds: float | None = None
    fresh: bool = False
    fired: int = 0
    passed: int = 0

    def meets(self, occasion: "Occasion") -> bool:
        """Return whether this rule speaks of this request."""
        return (
            (self.count is None or self.fired < self.count)
            and (self.endpoint is None or self.endpoint in occasion.endpoints)
            and self.scene in (None, occasion.scene)
            and self.frame in (None, occasion.frame or "none")
            and self.bot in (None, occasion.bot)
            and self.target in (None, occasion.target)
            and not (self.fresh and occasion.repeats)
        )


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the rules may look at in one request."""

    endpoints: tuple[str, ...]
    scene: str | None = None
    frame: str | None = None
    bot: str | None = None
    target: str | None = None
    repeats: bool = False


class Faults:
    """The rules in force. The first that meets a request, and whose die falls, strikes."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._dice = random.Random()
        self._thrown: Counter[str] = Counter()
        self._rules: list[FaultRule] = []
        self._next_id = 1

    def add(self, fault: str, **terms: Any) -> FaultRule:
        """Add a rule and return it; raises ValueError for a fault or a term that does not exist."""
        if fault not in FAULTS:
            raise ValueError(f"no such fault: {fault}; there are {', '.join(FAULTS)}")
        unknown = set(terms) - set(FaultRule.__slots__) | set(terms) & {"id", "fired", "passed"}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        terms = {name: value for name, value in terms.items() if value is not None}
        if terms.get("endpoint") == "any":
            del terms["endpoint"]
        _choose("endpoint", terms, ENDPOINTS)
        _choose("frame", terms, FRAMES)
        _choose("when", terms, (BEFORE, AFTER))
        if FAULTS[fault] == COMMIT:
            terms["when"] = COMMIT
        rule = FaultRule(self._next_id, fault, **({"when": FAULTS[fault]} | terms))
        if fault == "code" and rule.code is None:
            raise ValueError("the fault 'code' needs a code")
        self._next_id += 1
        self._rules.append(rule)
        return rule

    def set(self, *rules: dict[str, Any]) -> list[FaultRule]:
        """Replace every rule by these (`{"fault": …, …}`); returns them, raises ValueError and then changes nothing."""
        before, self._rules = self._rules, []
        try:
            return [self.add(**rule) for rule in rules]
        except (TypeError, ValueError) as error:
            self._rules = before
            raise ValueError(str(error)) from error

    def clear(self, rule_id: int | None = None) -> None:
        """Remove that rule, or every rule."""
        self._rules = [] if rule_id is None else [rule for rule in self._rules if rule.id != rule_id]

    def strike(self, occasion: Occasion, when: str) -> FaultRule | None:
        """Return the rule that strikes at this moment of this request, not yet counted as fired."""
        for rule in self._rules:
            if rule.when != when or not rule.meets(occasion):
                continue
            if rule.passed < rule.skip:
                rule.passed += 1
            elif rule.probability is None or self._throw(occasion) < rule.probability:
                return rule
        return None

    def _throw(self, occasion: Occasion) -> float:
        """Return the next throw of this target's own die: with a seed, what befalls one conversation does not depend
        on what the others do meanwhile."""
        if self._seed is None:
            return self._dice.random()
        whose = f"{occasion.bot}:{occasion.target}"
        self._thrown[whose] += 1
        return random.Random(f"{self._seed}:{whose}:{self._thrown[whose]}").random()

    def __iter__(self) -> Iterator[FaultRule]:
        return iter(self._rules)

    def view(self) -> list[dict[str, Any]]:
        """Return the rules as JSON, each with how often it fired."""
        return [asdict(rule) for rule in self._rules]


def _choose(name: str, terms: dict[str, Any], known: Iterable[str]) -> None:
    if name in terms and terms[name] not in known:
        raise ValueError(f"{name}: {terms[name]!r} is none of {', '.join(sorted(known))}")
