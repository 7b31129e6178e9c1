"""How late a request was, as the benchmark counts it."""

from __future__ import annotations

from typing import Any

import pytest

from bench.streams import Load, Release, measured, throttled

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


def delta(at: float, text: str, state: int = 1, seconds: float = 0.0) -> dict[str, Any]:
    body = {"msg_id": "m", "markdown": {"content": text}, "stream": {"state": state}}
    return {"at": at, "seconds": seconds, "body": body}


DELTAS = [
    delta(10.004, "[0@10.000000]", seconds=0.01),
    delta(12.003, "[1@10.500000][2@12.000000]"),
    delta(12.102, "[3@12.100000]\n", 10),
]
"""What a sender sends that lets a second pass after each answer, and sends only when a piece comes."""


def test_deltas_are_laid_together_and_their_throttle_is_read_off_the_answers() -> None:
    load = Load(streams=1, rate=1.0, pieces=4, ramp=0.0)
    releases = throttled(DELTAS, 1.0)
    assert [release.until for release in releases] == [None, pytest.approx(11.014), None]
    run = measured(load, releases, DELTAS, USED)
    assert [round(delay * 1000) for delay in run.delays] == [4, 989, 2]
    assert run.complete == 1


def test_a_sender_without_a_timer_is_also_measured_from_the_piece_that_made_it_send() -> None:
    load = Load(streams=1, rate=1.0, pieces=4, ramp=0.0)
    run = measured(load, throttled(DELTAS, 1.0), DELTAS, USED, newest=True)
    assert [round(delay * 1000) for delay in run.delays] == [4, 3, 2]
