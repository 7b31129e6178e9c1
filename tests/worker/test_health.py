"""Each part that stops is named, and the house answers 503."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from qqconsole.engine import engine as engines
from qqconsole.engine import sweep
from qqconsole.engine.beats import beat
from tests.worker.conftest import House


def _parts(client: Client) -> tuple[int, dict[str, str]]:
    answer = client.get("/healthz")
    return answer.status_code, {name: wrong for name, wrong in answer.json()["parts"].items() if wrong}


def _well(house: House, client: Client) -> None:
    house.start(gateways=False)
    house.until(lambda: _parts(client) == (200, {}))


def test_the_worker(house: House, client: Client) -> None:
    _well(house, client)
    house.engine.worker_alive = lambda: False
    assert _parts(client) == (503, {"worker": "takes no tasks"})


@pytest.mark.parametrize("stop", [lambda house: house.engine.stop(), lambda house: house.engine.writer.stop(5)])
def test_the_loop_and_its_writer(stop: Callable[[House], Any], house: House, client: Client) -> None:
    _well(house, client)
    stop(house)
    status, wrong = _parts(client)
    assert (status, wrong["loop"]) == (503, "has stopped")


def test_the_sweep(house: House, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SWEEP_EVERY", 600.0)
    _well(house, client)
    house.engine.sweep.swept_at -= 31
    assert _parts(client) == (503, {"sweep": "has not succeeded for 30 s"})


def test_a_sweep_that_goes_on_failing_is_no_sign_of_life(
    house: House, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sweep, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(sweep, "SWEEP_EVERY", 0.05)
    _well(house, client)

    def broken(_: bool) -> list[int]:
        raise OperationalError("disk I/O error")

    look = sweep.look
    monkeypatch.setattr(sweep, "look", broken)
    house.until(lambda: "a sweep failed" in caplog.text)
    # The half minute is over, the sweeps are not.
    house.engine.sweep.swept_at -= 31
    failures = caplog.text.count("a sweep failed")
    house.until(lambda: caplog.text.count("a sweep failed") > failures + 2)
    assert _parts(client) == (503, {"sweep": "has not succeeded for 30 s"})
    monkeypatch.setattr(sweep, "look", look)
    house.until(lambda: _parts(client) == (200, {}))


def test_the_database(house: House, client: Client) -> None:
    _well(house, client)

    def away(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(away):
        assert _parts(client) == (503, {"database": "does not answer: OperationalError"})
    assert _parts(client) == (200, {})


def test_a_process_without_an_engine_tells_of_the_others(
    transactional_db: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_engine", None)
    assert set(_parts(client)[1]) == {"loop", "worker", "sweep"}
    beat("somebody:1", "engine")
    assert _parts(client) == (503, {"worker": "no worker process was seen lately"})
    beat("somebody:1", "engine", "worker")
    assert _parts(client) == (200, {})
