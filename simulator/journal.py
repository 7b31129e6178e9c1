"""What arrived and what was answered; and the must-not rules the platform can see broken (sheet 8.12)."""

import asyncio
import itertools
import weakref
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

SECRETS = frozenset({"clientSecret", "access_token"})
LONG = 32_768  # characters of one string the journal keeps


@dataclass(slots=True)
class RequestRecord:
    """One request. `at` is time.monotonic(); `status` None means it was never answered."""

    n: int
    at: float
    bot: str | None
    connection: int
    method: str
    path: str
    body: Any
    status: int | None = None
    answer: Any = None
    trace_id: str | None = None
    fault: str | None = None
    seconds: float | None = None
    held: bool = False  # it took effect and waits for a person's review: on no screen until then (sheet 3.3)
    unseen: bool = False  # it took effect and was shown to nobody: the window after a 4009 (sheet 2.4)


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule no client may break, broken by request `n`."""

    rule: str
    bot: str
    n: int | None
    detail: str


class Journal:
    """The last requests and violations, within bounds."""

    def __init__(self, size: int) -> None:
        self._requests: deque[RequestRecord] = deque(maxlen=size)
        self._violations: deque[Violation] = deque(maxlen=size)
        self._numbers = itertools.count(1)
        self._connections = itertools.count(1)
        self._connection_of: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def open(self, at: float, transport: asyncio.BaseTransport | None, method: str, path: str) -> RequestRecord:
        """Start the record of a request that has just arrived."""
        record = RequestRecord(next(self._numbers), at, None, self._connection(transport), method, path, None)
        self._requests.append(record)
        return record

    def requests(self, since: int = 0, path: str | None = None) -> list[dict[str, Any]]:
        """Return the requests after number `since` whose path holds `path`, oldest first."""
        return [asdict(each) for each in self._requests if each.n > since and (path is None or path in each.path)]

    def violate(self, rule: str, bot: str, n: int | None, detail: str) -> None:
        """Note that request `n` broke a rule."""
        self._violations.append(Violation(rule, bot, n, detail))

    def violations(self) -> list[dict[str, Any]]:
        """Return every rule broken so far, oldest first."""
        return [asdict(each) for each in self._violations]

    def clear(self) -> None:
        """Forget requests and violations; numbers go on."""
        self._requests.clear()
        self._violations.clear()

    def _connection(self, transport: asyncio.BaseTransport | None) -> int:
        if transport is None:
            return 0
        number = self._connection_of.get(transport)
        if number is None:
            number = self._connection_of[transport] = next(self._connections)
        return number


def keepable(body: Any) -> Any:
    """Return a body fit to be kept: secrets blackened, very long strings (file_data) only by their length."""
    if not isinstance(body, dict):
        return body
    if SECRETS.isdisjoint(body) and all(not isinstance(value, str) or len(value) <= LONG for value in body.values()):
        return body
    kept = {}
    for name, value in body.items():
        if name in SECRETS:
            kept[name] = "…"
        elif isinstance(value, str) and len(value) > LONG:
            kept[name] = f"<{len(value)} characters>"
        else:
            kept[name] = value
    return kept
