"""Whatever the model writes, the clock does and QQ answers: nothing lost, repeated or left open, and nothing untrue.

``JOURNEYS=8000 pytest`` looks further than the suite's own run, and elsewhere each time.
"""

from __future__ import annotations

import dataclasses
import os

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from journey_checks import check
from journey_strategies import journeys
from journeys import Act, Journey, Travel

from adapter.policy import DeadReference
from adapter.segment import SegmentStatus
from adapter.verdicts import OutcomeStatus

EXAMPLES = int(os.environ.get("JOURNEYS", "600"))
quick = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="JOURNEYS" not in os.environ,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate] if "JOURNEYS" in os.environ else [Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@quick
@given(journeys())
def test_what_the_user_sees_is_what_was_generated_and_the_outcome_says_so(journey: Journey) -> None:
    check(Travel(journey).go())


@quick
@given(journeys())
def test_without_faults_everything_arrives_and_is_closed(journey: Journey) -> None:
    acts = tuple(act for act in journey.acts if act.what != "cancel") or (Act(0.0, "end"),)
    acts = (*(dataclasses.replace(act, after=min(act.after, 5.0)) for act in acts), Act(0.0, "end"))
    # Answers run out even so; then the rest goes proactively.
    well = dataclasses.replace(journey, faults=(), acts=acts, window=None, on_dead_reference=DeadReference.PROACTIVE)
    travel = Travel(well).go()
    check(travel)
    assert travel.outcome is not None
    failed = any(act.what == "fail" for act in acts)
    expected = {OutcomeStatus.INTERRUPTED, OutcomeStatus.FAILED} if failed else {OutcomeStatus.DELIVERED}
    if not failed and not travel.machine.segments:
        expected = {OutcomeStatus.FAILED}  # an empty reply
    assert travel.outcome.status in expected
    fine = {SegmentStatus.CLOSED, SegmentStatus.DELIVERED}
    assert {segment.status for segment in travel.machine.segments.values()} <= fine
    seen = "".join(bubble.text for bubble in travel.qq.bubbles)
    assert all(letter in seen for letter in travel.generated if 0x4E00 < ord(letter) < 0x9000)


@quick
@given(journeys(), st.integers(1, 12), st.sampled_from(["before", "after", "settled"]))
def test_a_process_that_ends_anywhere_is_taken_up_in_order(journey: Journey, request: int, moment: str) -> None:
    acts = (*(act for act in journey.acts if act.what != "cancel"), Act(0.0, "end"))
    check(Travel(dataclasses.replace(journey, acts=acts, cut_at=(request, moment))).go())
