"""The bots' paces as all living processes tell them with their signs of life, for ``/metrics``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from qqconsole.engine.beats import FRESH
from qqconsole.engine.models import ProcessBeat


@dataclass(slots=True)
class PaceReading:
    """One bot's pace for one group of endpoints, over all processes."""

    shared: list[float] = field(default_factory=list)
    """The rate as each process that shares it sees it, requests a second."""
    alone: float = 0.0
    """The shares of those that go on without Redis, together."""
    waiting: int = 0
    throttles: int = 0
    """Since the processes that live began."""

    @property
    def rate(self) -> float:
        """Requests a second that the bot sends at most at present."""
        return min(self.shared) if self.shared and not self.alone else self.alone + sum(self.shared[:1])


def pace_readings() -> tuple[dict[tuple[str, str], PaceReading], int]:
    """Return the readings by bot and endpoint, and how many processes go on without Redis."""
    readings: defaultdict[tuple[str, str], PaceReading] = defaultdict(PaceReading)
    alone = 0
    fresh = ProcessBeat.objects.filter(kind="engine", seen_at__gte=timezone.now() - FRESH)
    for told in fresh.values_list("pace", flat=True):
        alone += bool(told.get("alone"))
        for bot, endpoints in told.get("bots", {}).items():
            for endpoint, (rate, waiting, throttles) in endpoints.items():
                reading = readings[bot, endpoint]
                reading.waiting += waiting
                reading.throttles += throttles
                if told.get("alone"):
                    reading.alone += rate
                else:
                    reading.shared.append(rate)
    return readings, alone


def pace_metrics() -> Iterator[Metric]:
    """One query a reading."""
    readings, alone = pace_readings()
    labels = ["bot", "endpoint"]
    rate = GaugeMetricFamily("qqconsole_pace_rate", "Requests a second that leave at most at present", labels=labels)
    waiting = GaugeMetricFamily("qqconsole_pace_waiting", "Frames and streams that wait for the pace", labels=labels)
    throttles = GaugeMetricFamily(
        "qqconsole_pace_throttles", "How often QQ throttled the bot, since the living processes began", labels=labels
    )
    for key, reading in sorted(readings.items()):
        rate.add_metric(key, reading.rate)
        waiting.add_metric(key, reading.waiting)
        throttles.add_metric(key, reading.throttles)
    yield from (rate, waiting, throttles)
    yield GaugeMetricFamily(
        "qqconsole_pace_alone", "Processes that keep their share of the rates by themselves: Redis is away", value=alone
    )
