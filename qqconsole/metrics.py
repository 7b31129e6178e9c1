"""``/metrics``: Prometheus text, read from the rows so that it is true for all processes together."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from qqconsole.accounts.callers import caller_of
from qqconsole.bots.models import BELIEVED_FOR, Bot, ConnectionState, GateState
from qqconsole.caller_address import is_this_machine
from qqconsole.deliveries.models import Chunk, ChunkStatus, Delivery, Status
from qqconsole.engine.pace_readings import pace_metrics
from qqconsole.live.publish import counters

KEPT = 5.0
"""Seconds a reading is served again: several scrapers, or an impatient one, cost one set of queries."""


class RowsCollector(Collector):
    """Six queries a reading."""

    def collect(self) -> Iterator[Metric]:
        yield from self._deliveries()
        yield from self._chunks()
        yield self._gateways()
        yield from self._gates()
        yield from pace_metrics()
        live = CounterMetricFamily(
            "qqconsole_live", "What this process gave its live viewers, and what it dropped", labels=["what"]
        )
        for what, count in counters().items():
            live.add_metric([what], count)
        yield live

    def _deliveries(self) -> Iterator[Metric]:
        counts = dict(Delivery.objects.values_list("status").annotate(Count("pk")).order_by())
        deliveries = GaugeMetricFamily("qqconsole_deliveries", "Deliveries by status", labels=["status"])
        for status in Status.values:
            deliveries.add_metric([status], counts.get(status, 0))
        yield deliveries
        oldest = Delivery.objects.filter(status=Status.QUEUED).aggregate(oldest=Min("created_at"))["oldest"]
        age = max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0
        yield GaugeMetricFamily(
            "qqconsole_queue_age_seconds", "How long the oldest queued delivery has waited", value=age
        )

    def _chunks(self) -> Iterator[Metric]:
        by_status = dict.fromkeys(ChunkStatus.values, 0)
        by_code: dict[str, int] = {}
        rows = Chunk.objects.values_list("status", "code").annotate(Count("pk")).order_by()
        for status, code, count in rows:
            by_status[status] = by_status.get(status, 0) + count
            if status in (ChunkStatus.REFUSED, ChunkStatus.THROTTLED):
                label = "" if code is None else str(code)
                by_code[label] = by_code.get(label, 0) + count
        chunks = GaugeMetricFamily("qqconsole_chunks", "Chunks by status", labels=["status"])
        for status, count in by_status.items():
            chunks.add_metric([status], count)
        yield chunks
        refusals = GaugeMetricFamily(
            "qqconsole_refusals", "Chunks QQ refused or throttled, by QQ's code", labels=["code"]
        )
        for label, count in sorted(by_code.items()):
            refusals.add_metric([label], count)
        yield refusals

    def _gates(self) -> Iterator[Metric]:
        paused = GaugeMetricFamily(
            "qqconsole_bot_paused", "1 where sending is paused because whatever the bot sends fails", labels=["bot"]
        )
        lost = GaugeMetricFamily(
            "qqconsole_bot_gateway_lost", "1 since QQ cut the bot's gateway session with 4009", labels=["bot"]
        )
        rows = Bot.objects.filter(enabled=True).values_list("name", "gate__state", "gate__lost_at", "gate__live_at")
        for name, state, lost_at, live_at in rows:
            paused.add_metric([name], int(state == GateState.PAUSED))
            lost.add_metric([name], int(lost_at is not None and live_at is None))
        yield paused
        yield lost

    def _gateways(self) -> Metric:
        connected = GaugeMetricFamily(
            "qqconsole_gateway_connected", "1 where the bot's gateway session is alive", labels=["bot"]
        )
        believed_after = timezone.now() - BELIEVED_FOR
        rows = Bot.objects.filter(enabled=True).values_list("name", "connection__state", "connection__seen_at")
        for name, state, seen_at in rows:
            alive = state == ConnectionState.CONNECTED and seen_at is not None and seen_at > believed_after
            connected.add_metric([name], int(alive))
        return connected


registry = CollectorRegistry(auto_describe=False)
registry.register(RowsCollector())

_last: tuple[float, bytes] | None = None


def reading(now: float) -> bytes:
    """The text of the registry, at most ``KEPT`` seconds old; ``now`` in seconds of the monotonic clock."""
    global _last
    if _last is None or now - _last[0] >= KEPT:
        _last = (now, generate_latest(registry))
    return _last[1]


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text for a scraper on this machine, an API token or a signed-in person; 401 for others."""
    if not is_this_machine(request) and caller_of(request) is None:
        response = HttpResponse("Send Authorization: Bearer TOKEN.\n", status=401, content_type="text/plain")
        response.headers["WWW-Authenticate"] = 'Bearer realm="qqconsole"'
        return response
    return HttpResponse(reading(monotonic()), content_type=CONTENT_TYPE_LATEST)
