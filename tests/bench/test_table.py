"""The one table, and what is computed for it."""

from __future__ import annotations

import json

import pytest

from bench.soak import slope
from bench.streams import percentile
from bench.table import Row, as_json, as_text, failed

ROWS = [
    Row("Delay", "200 streams: p50, ms", 3.21, 1.5, "2.4 (499)", "floor + 5", True),
    Row("Delay", "CPU a chunk, ms", 0.61, 0.4, 1.25),
    Row("Memory", "内存, MB", 1234.5, None, None, "under 300", False),
]


def test_figures_stand_under_each_other_with_their_verdicts() -> None:
    assert as_text(ROWS, ["a note"]).splitlines() == [
        "                         ours  floor       peer  must       verdict",
        "",
        "Delay",
        "  200 streams: p50, ms   3.21   1.50  2.4 (499)  floor + 5  PASS",
        "  CPU a chunk, ms        0.61   0.40       1.25",
        "",
        "Memory",
        "  内存, MB              1,234      -          -  under 300  FAIL",
        "",
        "a note",
    ]
    assert failed(ROWS)
    assert not failed(ROWS[:2])


def test_a_figure_that_others_decided_is_no_plain_pass() -> None:
    row = Row("Delay", "p99, ms", 30.0, 4.0, met=False, spoilt=0.31)
    assert row.verdict == "FAIL?"
    assert "others took up to 31% of the machine" in as_text([row])


def test_json_has_the_figures_as_numbers() -> None:
    told = json.loads(json.dumps(as_json(ROWS, ["a note"])))
    assert told["notes"] == ["a note"]
    assert told["rows"][0]["ours"] == 3.21
    assert [row["verdict"] for row in told["rows"]] == ["PASS", "", "FAIL"]


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.01, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)


def test_the_slope_is_that_of_the_nearest_line() -> None:
    assert slope([(0.0, 100.0), (10.0, 105.0), (20.0, 110.0)]) == pytest.approx(0.5)
    noisy = [(float(at), 80.0 + (3.0 if at % 2 else -3.0)) for at in range(1000)]
    assert abs(slope(noisy)) < 0.001
    with pytest.raises(ValueError, match="two points"):
        slope([(0.0, 1.0)])
