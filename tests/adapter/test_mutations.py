"""The journeys bite: each way of breaking the machine is caught by them within a few hundred."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from journey_checks import check
from journey_strategies import journeys
from journeys import Journey, Travel
from mutations import MUTATIONS, broken

look = settings(
    max_examples=3_000,
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_broken_machine_is_caught(mutation: str) -> None:
    @look
    @given(journeys())
    def travel(journey: Journey) -> None:
        check(Travel(journey).go())

    with broken(mutation), pytest.raises(Exception) as caught:
        travel()
    assert caught.value is not None
