"""What is asked of the large database: every list, page, API call and statement of the engine, each timed here.

Run as a process of its own by ``bench.large`` with the database's address in its environment; prints one JSON line a
question, a ``Reading``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.large_rows import DAYS, HOT_SESSION, OPEN  # noqa: E402
from qqconsole import metrics  # noqa: E402
from qqconsole.accounts.models import ApiToken, Role, User  # noqa: E402
from qqconsole.conversations.models import Session  # noqa: E402
from qqconsole.deliveries.models import Delivery, Status  # noqa: E402
from qqconsole.engine import claims, statements, sweep  # noqa: E402
from qqconsole.live import snapshot  # noqa: E402

TIMES = 5
SLOW = 0.02
"""Seconds from which on a statement is explained."""

Ask = Callable[[], Any]


@dataclass
class Reading:
    """Milliseconds; ``sql`` and ``cpu`` are of the quickest time: the database's share, and this process's own work."""

    name: str
    queries: int
    sql: float
    cpu: float
    first: float
    best: float
    median: float
    most: float
    slow: list[str] = field(default_factory=list)
    """The statements that took long, explained."""


class Watch:
    """Every statement under it: how many, and which took long."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.slow: dict[str, tuple[float, Any]] = {}

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.count += 1
            took = time.perf_counter() - began
            self.seconds += took
            if took > SLOW and sql not in self.slow:
                self.slow[sql] = (took, params)


def timed(name: str, ask: Ask) -> Reading:
    """Ask a few times; what took long is explained afterwards."""
    spent, watch = [], Watch()
    for _ in range(TIMES):
        watch.count, watch.seconds = 0, 0.0
        with connection.execute_wrapper(watch):
            began, worked = time.perf_counter(), time.process_time()
            ask()
            spent.append((time.perf_counter() - began, watch.seconds, time.process_time() - worked))
    slow = [f"{took * 1000:.0f} ms: {_explained(sql, params)}" for sql, (took, params) in watch.slow.items()]
    whole = [one[0] * 1000 for one in spent]
    _, sql, cpu = (value * 1000 for value in min(spent))
    return Reading(name, watch.count, sql, cpu, whole[0], min(whole), median(whole), max(whole), slow)


def _explained(sql: str, params: Any) -> str:
    if not sql.lstrip().upper().startswith("SELECT"):
        return sql[:300]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
        return "\n".join([sql[:1500], *(row[0] for row in cursor.fetchall())])


def questions() -> Iterator[tuple[str, Ask]]:
    """Each with its name, in the order of the table."""
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True)[0]
    yield from _pages(newest)
    yield from _records()
    yield from _api(newest)
    yield from _engine(newest)


def _pages(newest: int) -> Iterator[tuple[str, Ask]]:
    get = partial(_got, _admin())
    rare = Session.objects.order_by("-pk").values_list("pk", flat=True)[0]
    long_ago = timezone.now() - timedelta(days=DAYS * 0.8)
    day = f"since={long_ago:%Y-%m-%d}&until={long_ago + timedelta(days=1):%Y-%m-%d}"
    deep = _session_cursor(0.6)
    for path in (
        "/",
        "/?bot=3",
        "/?q=777",
        "/?q=nobody-is-called-so",
        "/?q=a",
        f"/?cursor={deep}",
        f"/?bot=3&cursor={deep}",
        f"/sessions/{HOT_SESSION}/",
        f"/sessions/{HOT_SESSION}/?before={_moment(0.5)}",
        f"/sessions/{HOT_SESSION}/?before={_moment(0.999)}",
        f"/sessions/{rare}/",
        f"/deliveries/{newest - OPEN - 1}/",
        f"/deliveries/{newest // 3}/",
        f"/deliveries/{_failed()}/",
        f"/deliveries/{_failed()}/resend/",
    ):
        yield f"page {_told(path)}", partial(get, path)
    for narrowed in _filters(rare, day, newest):
        yield f"page {_told(f'/deliveries/?{narrowed}')}", partial(get, f"/deliveries/?{narrowed}")
    for narrowed in ("status=failed", "code=40034006", "status=failed&status=unknown&dismissed=true", "session=1"):
        yield f"page /resends/preview/?{narrowed}", partial(get, f"/resends/preview/?{narrowed}")
    for path in ("/resends/", "/audit/", f"/audit/?cursor={newest // 50}", "/bots/", "/media/", "/media/?kind=voice"):
        yield f"page {_told(path)}", partial(get, path)
    for path in ("/media/?q=picture", "/media/?q=nothing-has-this-name", f"/media/?cursor={newest // 100}"):
        yield f"page {_told(path)}", partial(get, path)


def _filters(rare: int, day: str, newest: int) -> Iterator[str]:
    """Every filter of the list of deliveries by itself, and those people put together."""
    yield ""
    yield f"cursor={newest // 2}"
    unsettled = "status=failed&status=unknown&status=interrupted&dismissed=false"
    yield unsettled
    yield f"{unsettled}&cursor={newest // 4}"
    for status in ("queued", "sending", "delivered", "failed", "unknown", "interrupted", "in_review", "cancelled"):
        yield f"status={status}"
    yield from ("kind=media", "kind=media&type=voice", "type=voice", "type=image&status=failed", "kind=message")
    yield from ("code=40034006", "code=304023", "code=12345", "code=304023&status=delivered", "step=upload")
    yield from ("step=send", "bot=3", "bot=3&status=failed", "bot=3&code=304023", "bot=3&status=queued")
    yield from (f"session={HOT_SESSION}", f"session={HOT_SESSION}&status=failed", f"session={rare}")
    yield from (f"session={rare}&status=failed", f"session={HOT_SESSION}&code=304023", "dismissed=true")
    yield from (day, f"{day}&status=failed", f"{day}&bot=3", f"{day}&kind=media", f"{day}&dismissed=true")
    yield from ("bulk=1", "dismissed=true&status=cancelled", "kind=media&step=upload&bot=3", "bot=9999")
    yield from ("status=in_review&status=cancelled", "status=failed&status=delivered", "session=999999")


def _records() -> Iterator[tuple[str, Ask]]:
    get = partial(_got, _admin())
    trace = "c4ca4238a0b923820dcc509a6f75849b"
    for path in (
        "conversations/session/",
        "conversations/session/?q=777",
        "conversations/session/?scene__exact=group",
        "conversations/inboundmessage/",
        "conversations/inboundmessage/?q=ROBOT1.0_c4ca4238a0b923820dcc509a6f75849b",
        "conversations/inboundmessage/?addressed__exact=0",
        "deliveries/delivery/",
        "deliveries/delivery/?p=20",
        "deliveries/delivery/?status__exact=failed",
        "deliveries/delivery/?failed_step=upload",
        "deliveries/delivery/?q=77",
        "deliveries/delivery/?q=C4CA4238A0B923820DCC509A6F75849B",
        "deliveries/attempt/",
        "deliveries/attempt/?status__exact=failed",
        "deliveries/attempt/?q=77",
        "deliveries/segment/",
        "deliveries/segment/?status__exact=unclosed",
        f"deliveries/segment/?q={trace}",
        "deliveries/chunk/",
        "deliveries/chunk/?status__exact=refused",
        "deliveries/chunk/?status__exact=unknown",
        f"deliveries/chunk/?q={trace}",
        "deliveries/chunk/?q=77",
        "accounts/auditline/",
        "accounts/auditline/?q=delivery 77",
        "media/mediafile/",
        "media/mediafile/?q=picture 77.png",
        "deliveries/chunk/77/change/",
        "deliveries/delivery/77/change/",
    ):
        yield f"admin /{path}", partial(get, f"/admin/{path}")


def _api(newest: int) -> Iterator[tuple[str, Ask]]:
    token = ApiToken.objects.filter(name="large").delete() and ApiToken.issue("large")[1]
    get = partial(_got, Client(HTTP_HOST="localhost", headers={"Authorization": f"Bearer {token}"}))
    for path in (
        "sessions",
        "sessions?limit=200",
        "sessions?bot=3",
        f"sessions?cursor={_session_cursor(0.6)}",
        "deliveries",
        "deliveries?limit=200",
        f"deliveries?session={HOT_SESSION}",
        "deliveries?status=failed",
        "deliveries?status=queued",
        "deliveries?kind=media",
        "deliveries?code=304023",
        "deliveries?type=voice&status=failed",
        f"deliveries?status=failed&cursor={newest // 3}",
        f"deliveries/{newest // 3}",
        f"deliveries/{_failed()}/outlook",
    ):
        yield f"api /{_told(path)}", partial(get, f"/api/v1/{path}")


def _engine(newest: int) -> Iterator[tuple[str, Ask]]:
    """What runs for ever beside the pages: the live view's first answer, /metrics, what sweep and claim look at."""
    get, hot = partial(_got, Client(HTTP_HOST="localhost")), Session.objects.get(pk=HOT_SESSION)

    def scrape() -> None:
        metrics._last = None
        get("/metrics")

    yield "/metrics", scrape
    yield "/healthz", lambda: Client(HTTP_HOST="localhost").get("/healthz")
    yield "live snapshot of everything", snapshot.whole_snapshot
    yield "live snapshot of the hot session", lambda: snapshot.session_snapshot(hot)
    yield "live replay of one", lambda: snapshot.replay(newest // 3, 0)
    yield "sweep: what to ring for", lambda: sweep.look(False)
    yield "sweep: what to ring for at the start", lambda: sweep.look(True)
    yield "sweep: what lost its owner", lambda: sweep.left_behind(50)
    yield "sweep: wishes to cancel", lambda: sweep.wishes("host:1:abc")
    yield "claim: next of the hot session", lambda: claims.next_of_session(HOT_SESSION)
    yield "claim: to be had", lambda: claims.to_be_had(newest)
    waiting = Delivery.objects.filter(status=Status.QUEUED).order_by("pk").values_list("pk", flat=True)[0]
    yield "claim: take", lambda: _undone(lambda: _take(waiting))
    yield "claim: renew", lambda: _undone(lambda: _renew(newest))


def _take(delivery_id: int) -> None:
    now = timezone.now()
    statements.take(delivery_id, "host:1:abc", now, now + claims.LEASE)


def _renew(newest: int) -> None:
    claims.renew(None, "host:1:abc", range(newest - 99, newest + 1))  # type: ignore[arg-type]


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _undone(ask: Ask) -> None:
    with _rolled_back():
        ask()


def _admin() -> Client:
    user, _ = User.objects.get_or_create(username="large", defaults={"role": Role.ADMIN})
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    return client


def _got(client: Client, path: str) -> None:
    response = client.get(path)
    if response.status_code != 200:
        raise SystemExit(f"{path} answered {response.status_code}: {response.content[:300]!r}")


def _failed() -> int:
    return Delivery.objects.filter(status=Status.FAILED).order_by("-pk").values_list("pk", flat=True)[0]


def _moment(share: float) -> int:
    """Microseconds since 1970 of the moment when this share of the whole span was left behind, from the newest back."""
    return round((timezone.now() - timedelta(days=DAYS * share)).timestamp() * 1_000_000)


def _session_cursor(share: float) -> str:
    return f"{_moment(share)}-0"


def _told(path: str) -> str:
    return path if len(path) <= 70 else f"{path[:67]}…"


def main() -> None:
    """Print a line a question; the arguments narrow them to those whose name holds one of them."""
    wanted = sys.argv[1:]
    for name, ask in questions():
        if not wanted or any(word in name for word in wanted):
            print(json.dumps(asdict(timed(name, ask))), flush=True)


if __name__ == "__main__":
    main()
