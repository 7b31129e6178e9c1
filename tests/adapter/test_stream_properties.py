"""Whatever the model writes, the clock does and QQ answers: nothing lost, repeated or left open, and nothing untrue."""

from __future__ import annotations

import dataclasses
import os

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from journeys import Act, Journey, Travel, check
from strict_qq import FINE, Fault, Strike

from adapter.policy import DeadReference
from adapter.segment import SegmentStatus
from adapter.verdicts import OutcomeStatus

CODES = (
    [40034017, 40034012, 40034011, 40054010, 40054007, 40054018, 40034006]  # the words
    + [40034005, 304103, 40034024, 40034128, 22009]  # the message replied to
    + [40006, 40007, 40034018, 40034020, 40034022, 40034016]  # the stream
    + [40054013, 40034101, 11253, 99_999, 50001, 40054006, 304018, 40054005]  # the rest
)
SHAPES = st.text(alphabet="字字字字 \n😀é.\u200d", min_size=1, max_size=25)
PAUSES = st.sampled_from([0.0, 0.0, 0.01, 0.1, 0.35, 0.6, 1.2, 5.0])

fault = st.one_of(
    st.just(FINE),
    st.just(FINE),
    st.builds(Fault, st.just(Strike.REFUSED), st.sampled_from(CODES)),
    st.builds(Fault, st.sampled_from([Strike.LOST_ANSWER, Strike.LOST_REQUEST, Strike.IN_REVIEW])),
    st.builds(
        Fault,
        st.just(Strike.THROTTLED),
        st.sampled_from([0, 50002, 40034021]),
        st.sampled_from([None, None, 0.0, 0.2, 7.0]),
    ),
)
act = st.one_of(
    st.builds(Act, PAUSES, st.just("text"), SHAPES),
    st.builds(Act, PAUSES, st.just("text"), SHAPES),
    st.builds(Act, PAUSES, st.just("text"), SHAPES),
    st.builds(Act, PAUSES, st.sampled_from(["break", "media"])),
    st.builds(Act, st.sampled_from([0.0, 1.0, 30.0, 70.0]), st.just("text"), SHAPES),
)
ending = st.sampled_from(["end", "end", "end", "fail", "cancel"])


@st.composite
def journeys(draw: st.DrawFn, *, streams: bool = False) -> Journey:
    roads = ["stream_messages", "messages.stream"] if streams else None
    acts = draw(st.lists(act, max_size=8))
    acts.append(Act(draw(PAUSES), draw(ending)))
    if draw(st.integers(0, 3)) == 0:
        acts.insert(draw(st.integers(0, len(acts))), Act(draw(PAUSES), "cancel"))
        acts.append(Act(1.0, "end"))
    return Journey(
        road=draw(
            st.sampled_from(roads or ["stream_messages", "messages.stream", "stream_messages", "group", "guild"])
        ),
        acts=tuple(acts),
        faults=tuple(draw(st.lists(fault, max_size=14))),
        latency=draw(st.sampled_from([0.0, 0.02, 0.4, 2.0])),
        open_after=draw(st.sampled_from([0, 1, 3, 12])),
        window=draw(st.sampled_from([None, None, None, 0.5, 3.0, 20.0])),
        on_dead_reference=draw(st.sampled_from(list(DeadReference))),
        notice=draw(st.booleans()),
    )


EXAMPLES = int(os.environ.get("JOURNEYS", "600"))
quick = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
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
    acts = tuple(dataclasses.replace(act, after=min(act.after, 5.0)) for act in acts) + (Act(0.0, "end"),)
    travel = Travel(dataclasses.replace(journey, faults=(), acts=acts, window=None)).go()
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
    acts = tuple(act for act in journey.acts if act.what != "cancel") + (Act(0.0, "end"),)
    check(Travel(dataclasses.replace(journey, acts=acts, cut_at=(request, moment))).go())
