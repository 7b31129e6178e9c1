"""How late a request was, as the benchmark counts it."""

from __future__ import annotations

from typing import Any

import pytest

from bench.streams import Load, Release, measured

LOAD = Load(streams=1, rate=1.0, pieces=3, ramp=0.0)
USED = (0.03, 0.0)


def request(at: float, text: str, state: int = 1) -> dict[str, Any]:
    return {"at": at, "body": {"msg_id": "m", "content_raw": text, "input_state": state}}


def pieces(*written: float) -> str:
    return "".join(f"[{number}@{at:.6f}]" for number, at in enumerate(written))


def test_a_request_is_late_since_its_first_new_piece_or_since_its_release() -> None:
    requests = [
        request(10.004, pieces(10.0)),
        # The throttle held the second piece (10.1) until 10.5.
        request(10.507, pieces(10.0, 10.1)),
        request(11.002, pieces(10.0, 10.1, 11.0), 10),
    ]
    run = measured(LOAD, [Release("m", None), Release("m", 10.5), Release("m", 10.8)], requests, USED)
    assert [round(delay * 1000) for delay in run.delays] == [4, 7, 2]
    assert (run.complete, run.requests, round(run.cpu_each)) == (1, 3, 10)
    assert (round(run.delay(0.5)), round(run.delay(0.99))) == (4, 7)


def test_a_closing_frame_is_late_since_the_last_piece() -> None:
    requests = [request(10.0, pieces(10.0)), request(11.3, pieces(10.0, 10.1, 11.0), 10)]
    run = measured(LOAD, [Release("m", None), Release("m", None)], requests, USED)
    assert round(run.delays[1] * 1000) == 300


@pytest.mark.parametrize(
    "last",
    [request(11.0, pieces(10.0, 10.1, 11.0)), request(11.0, pieces(10.0, 10.1), 10), request(11.0, "[1@1.0]", 10)],
)
def test_a_stream_that_lost_a_piece_or_its_closing_frame_is_not_whole(last: dict[str, Any]) -> None:
    assert measured(LOAD, [Release("m", None)], [last], USED).complete == 0


def test_a_request_nobody_let_go_is_not_passed_over() -> None:
    with pytest.raises(RuntimeError, match="1 requests arrived, 0 were let go"):
        measured(LOAD, [], [request(10.0, pieces(10.0))], USED)
