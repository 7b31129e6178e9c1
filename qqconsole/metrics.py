"""``/metrics``: Prometheus text, read from rows so that it is true for all processes together.

What is open now is asked of small indexes; what has happened is in the tallies (``qqconsole.tallies``), which no
removal by age sets back. Nothing here counts a table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from time import monotonic

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, transaction
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from qqconsole import tallies
from qqconsole.accounts.callers import caller_of
from qqconsole.bots.models import BELIEVED_FOR, Bot, ConnectionState, GateState
from qqconsole.caller_address import is_this_machine
from qqconsole.deliveries.models import OPEN, ChunkStatus, Delivery, Status
from qqconsole.engine import tally_rows
from qqconsole.engine.pace_readings import pace_metrics

KEPT = 5.0
"""Seconds a reading is served again: several scrapers, or an impatient one, cost one set of queries."""

COUNTERS = {
    "deliveries_ended": ("Ends of deliveries, by status; one that is sent again may end again", "status"),
    "chunks": ("Requests for a bubble or an upload that QQ answered, or left unanswered, by status", "status"),
    "refusals": ("Requests QQ refused or throttled, by QQ's code", "code"),
    "lease_recoveries": ("Deliveries taken over from a process that let its lease end", ""),
    "live": ("Live events and frames handed to viewers, and dropped (viewers ask for what they missed)", "what"),
}
HISTOGRAMS = {
    "queue_wait": ("Seconds from asking for a delivery to the beginning of its first attempt", ""),
    "first_frame": ("Seconds from asking for a delivery to QQ's yes to what the user sees first", ""),
    "write": ("Seconds from composing a request to its row's commit: what the console itself adds", ""),
    "qq": ("Seconds from a request to QQ's answer, by kind of chunk", "kind"),
}
EXPECTED = {
    "deliveries_ended": [status for status in Status.values if status not in OPEN],
    "chunks": [status for status in ChunkStatus.values if status != ChunkStatus.SENDING],
}
"""Labels that stand at 0 before anything happened, so that an alert on a rate need not wait for the first."""

_VALUE = re.compile(r'(\w+)="([^"]*)"')


class RowsCollector(Collector):
    """A few queries a reading, none of which grows with the tables."""

    def collect(self) -> Iterator[Metric]:
        yield from self._open()
        yield from self._bots()
        yield from pace_metrics()
        read = tally_rows.read()
        for name, (said, label) in COUNTERS.items():
            yield _counter(name, said, label, read.get(name, {}))
        for name, (said, label) in HISTOGRAMS.items():
            yield _histogram(name, said, label, read.get(name, {}), read.get(f"{name}:sum", {}))

    def _open(self) -> Iterator[Metric]:
        now = timezone.now()
        is_due = Q(status=Status.QUEUED) & (Q(due_at=None) | Q(due_at__lte=now))
        rows = Delivery.objects.filter(status__in=OPEN).order_by().values_list("status")
        counted = rows.annotate(count=Count("pk"), oldest=Min("created_at", filter=is_due))
        found = {status: (count, oldest) for status, count, oldest in counted}
        waiting = GaugeMetricFamily("qqconsole_deliveries_open", "Deliveries not at their end yet", labels=["status"])
        for status in OPEN:
            waiting.add_metric([status], found.get(status, (0, None))[0])
        yield waiting
        oldest = found.get(Status.QUEUED, (0, None))[1]
        age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
        yield GaugeMetricFamily(
            "qqconsole_queue_age_seconds", "How long the oldest queued delivery that is due has waited", value=age
        )

    def _bots(self) -> Iterator[Metric]:
        connected = GaugeMetricFamily(
            "qqconsole_gateway_connected", "1 where the bot's gateway session is alive", labels=["bot"]
        )
        paused = GaugeMetricFamily(
            "qqconsole_bot_paused", "1 where sending is paused because whatever the bot sends fails", labels=["bot"]
        )
        lost = GaugeMetricFamily(
            "qqconsole_bot_gateway_lost", "1 since QQ cut the bot's gateway session with 4009", labels=["bot"]
        )
        believed_after = timezone.now() - BELIEVED_FOR
        fields = ("name", "connection__state", "connection__seen_at", "gate__state", "gate__lost_at", "gate__live_at")
        for name, state, seen_at, gate, lost_at, live_at in Bot.objects.filter(enabled=True).values_list(*fields):
            alive = state == ConnectionState.CONNECTED and seen_at is not None and seen_at > believed_after
            connected.add_metric([name], int(alive))
            paused.add_metric([name], int(gate == GateState.PAUSED))
            lost.add_metric([name], int(lost_at is not None and live_at is None))
        yield connected
        yield paused
        yield lost


def _counter(name: str, said: str, label: str, values: dict[str, float]) -> Metric:
    family = CounterMetricFamily(f"qqconsole_{name}", said, labels=[label] if label else [])
    counted = {_label(labels, label): value for labels, value in values.items()}
    if not label:
        counted.setdefault("", 0)
    for one in sorted({*counted, *EXPECTED.get(name, ())}):
        family.add_metric([one] if label else [], counted.get(one, 0))
    return family


def _histogram(name: str, said: str, label: str, buckets: dict[str, float], sums: dict[str, float]) -> Metric:
    family = HistogramMetricFamily(f"qqconsole_{name}_seconds", said, labels=[label] if label else [])
    counted: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for labels, value in buckets.items():
        counted[_label(labels, label)][_label(labels, "le")] = value
    if not label:
        counted.setdefault("", {})
    for one, by_bound in sorted(counted.items()):
        so_far, cumulative = 0.0, []
        for bound in (*map(str, tallies.BUCKETS), "+Inf"):
            so_far += by_bound.get(bound, 0)
            cumulative.append((bound, so_far))
        total = sums.get(f'{label}="{one}"' if label else "", 0)
        family.add_metric([one] if label else [], cumulative, total)
    return family


def _label(labels: str, name: str) -> str:
    found: dict[str, str] = dict(_VALUE.findall(labels))
    return found.get(name, "")


registry = CollectorRegistry(auto_describe=False)
registry.register(RowsCollector())

_last: tuple[float, bytes] | None = None


def reading(now: float) -> bytes:
    """The text of the registry, at most ``KEPT`` seconds old; ``now`` in seconds of the monotonic clock."""
    global _last
    if _last is None or now - _last[0] >= KEPT:
        _add_ours()
        _last = (now, generate_latest(registry))
    return _last[1]


def _add_ours() -> None:
    """A process that runs no engine adds what it counted when it is asked; beside one, that is its sweep's work."""
    taken = tally_rows.take()
    if not taken:
        return
    try:
        with transaction.atomic():
            tally_rows.add(taken)
    except DatabaseError:
        tallies.give_back(taken)
        raise


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text for a scraper on this machine, an API token or a signed-in person; 401 for others."""
    if not is_this_machine(request) and caller_of(request) is None:
        response = HttpResponse("Send Authorization: Bearer TOKEN.\n", status=401, content_type="text/plain")
        response.headers["WWW-Authenticate"] = 'Bearer realm="qqconsole"'
        return response
    return HttpResponse(reading(monotonic()), content_type=CONTENT_TYPE_LATEST)
