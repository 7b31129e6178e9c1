"""Whose matter a throttle is, and how the bot finds the rate that QQ really grants."""

from __future__ import annotations

import pytest

from adapter.answers import Throttled
from adapter.easing import LEAST, Easing
from adapter.throttles import Throttles

ONE, OTHER = "/v2/users/1/stream_messages", "/v2/users/2/stream_messages"


@pytest.mark.parametrize("code", [None, 1100100, 504001])
def test_a_throttle_of_the_bot_silences_it_at_once(code: int | None) -> None:
    assert Throttles().silence(Throttled(None, code), ONE, 0.0) == 1.0
    assert Throttles().silence(Throttled(7.0, code), ONE, 0.0) == 7.0
    assert Throttles().silence(Throttled(3_600.0, code), ONE, 0.0) == 60.0


@pytest.mark.parametrize("code", [20028, 1100308, 40034021, 40034100, 100001])
def test_a_throttle_of_one_user_or_channel_does_not(code: int) -> None:
    assert Throttles().silence(Throttled(7.0, code), ONE, 0.0) is None


def test_one_50002_is_the_streams_own_and_two_streams_are_the_bots() -> None:
    throttles = Throttles()
    assert throttles.silence(Throttled(None, 50002), ONE, 0.0) is None
    assert throttles.silence(Throttled(None, 50002), ONE, 1.0) is None
    assert throttles.silence(Throttled(None, 50002), OTHER, 1.5) == 1.0
    assert throttles.silence(Throttled(None, 50002), ONE, 9.0) is None


def test_each_throttle_takes_three_tenths_and_time_gives_it_back() -> None:
    easing = Easing()
    assert easing.share(0.0) == 1.0
    assert easing.cut(0.0)
    assert easing.share(0.0) == pytest.approx(0.7)
    assert not easing.cut(0.5), "requests that were under way together tell the same thing"
    assert easing.cut(1.0)
    assert easing.share(1.0) == pytest.approx(0.72 * 0.7)
    assert easing.share(1.0) < easing.share(10.0) < easing.share(20.0)
    assert easing.share(26.0) == 1.0


def test_however_often_qq_throttles_a_tenth_goes_on() -> None:
    easing = Easing()
    for second in range(100):
        easing.cut(float(second))
    assert easing.share(100.0) >= LEAST


def granted(limit: float, setting: float) -> list[float]:
    """The rate in each of 120 seconds where QQ throttles above ``limit``."""
    easing, rates = Easing(), []
    for second in range(120):
        rates.append(setting * easing.share(float(second)))
        if rates[-1] > limit:
            easing.cut(float(second))
    return rates


def test_a_bot_that_is_granted_less_than_its_setting_comes_to_rest_under_it() -> None:
    rates = granted(25.0, 45.0)[30:]
    assert max(rates) < 26.0
    assert sum(rates) / len(rates) > 0.75 * 25.0
