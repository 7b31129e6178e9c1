"""Journeys at random: what the model writes, when, and what QQ answers."""

from __future__ import annotations

from hypothesis import strategies as st
from journeys import Act, Journey
from strict_qq import FINE, Fault, Strike

from adapter.policy import DeadReference

ROADS = [*["stream_messages", "messages.stream"] * 4, "group", "guild"]
WORDS = [40034017, 40034012, 40034011, 40054010, 40054007, 40054018, 40034006]
REPLIED_TO = [40034005, 304103, 40034024, 40034128, 22009]
STREAM = [40006, 40007, 40034018, 40034020, 40034022, 40034016]
MEDIA = [850012, 850019, 850026, 850031, 40093001, 40093002, 304080]
REST = [40054013, 40034101, 11253, 99_999, 50001, 40054006, 304018]
CODES = [*WORDS, *REPLIED_TO, *STREAM, *STREAM, *REST, *MEDIA, *[40054005] * 4]
SHAPES = st.text(alphabet="字字字字 \n😀é.\u200d", min_size=1, max_size=25)
LONG = st.text(alphabet="字字字字字字字 \n，。F", min_size=30, max_size=90)
WORDY = st.text(alphabet="字字字字字 \n😀é", min_size=4, max_size=9)
PAUSES = st.sampled_from([0.0, 0.0, 0.01, 0.1, 0.35, 0.6, 1.2, 5.0])

fine = st.just([FINE])
refused = st.sampled_from(CODES).map(lambda code: [Fault(Strike.REFUSED, code)])
lost = st.sampled_from([Strike.LOST_ANSWER, Strike.LOST_REQUEST]).map(lambda strike: [Fault(strike)])
in_review = st.just([Fault(Strike.IN_REVIEW)])
throttled = st.builds(
    lambda code, after: [Fault(Strike.THROTTLED, code, after)],
    st.sampled_from([0, 50002, 40034021]),
    st.sampled_from([None, None, 0.0, 0.2, 7.0]),
)
lost_and_refused = st.builds(lambda first, second: [*first, *second], lost, refused)
often = st.builds(lambda several, times: several * times, st.one_of(lost, throttled, refused), st.integers(2, 9))
faults = st.builds(
    lambda spared, strikes: (*[FINE] * spared, *(fault for several in strikes for fault in several)),
    st.integers(0, 4),
    st.lists(st.one_of(fine, refused, lost, throttled, lost_and_refused, often, refused, in_review), max_size=8),
)

piece = st.builds(Act, st.sampled_from([1.2, 0.6, 0.0, 1.2]), st.just("text"), SHAPES)
writing = st.lists(piece, min_size=1, max_size=5)
streaming = st.lists(st.builds(Act, st.sampled_from([1.2, 2.4]), st.just("text"), WORDY), min_size=3, max_size=4)
at_once = st.builds(lambda pause, shape: [Act(pause, "text", shape)], PAUSES, SHAPES)
long = st.builds(lambda pause, shape: [Act(pause, "text", shape)], PAUSES, LONG)
turn = st.builds(lambda pause, what: [Act(pause, what)], PAUSES, st.sampled_from(["break", "media"]))
silence = st.builds(lambda pause, shape: [Act(pause, "text", shape)], st.sampled_from([30.0, 70.0]), SHAPES)
acts = st.lists(st.one_of(writing, streaming, at_once, turn, silence, long), max_size=4)


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    several = draw(acts)
    if draw(st.integers(0, 2)):
        several.insert(0, draw(streaming))
    drawn = [act for few in several for act in few]
    drawn.append(Act(draw(PAUSES), draw(st.sampled_from(["end"] * 6 + ["fail", "cancel"]))))
    if draw(st.sampled_from([False] * 5 + [True])):
        drawn.insert(draw(st.integers(0, len(drawn))), Act(draw(PAUSES), "cancel"))
        drawn.append(Act(1.0, "end"))
    return Journey(
        road=draw(st.sampled_from(ROADS)),
        acts=tuple(drawn),
        faults=draw(faults),
        latency=draw(st.sampled_from([0.02, 0.0, 0.4, 2.0])),
        open_after=draw(st.sampled_from([3, 0, 1, 12])),
        window=draw(st.sampled_from([*[None] * 6, 0.5, 3.0, 20.0])),
        frame_bytes=draw(st.sampled_from([*[None] * 5, 60, 90, 150])),
        message_bytes=draw(st.sampled_from([18_000, 18_000, 40, 100])),
        answers=draw(st.sampled_from([*[None] * 4, 4, 2, 1])),
        media_passive=draw(st.booleans()),
        media_bytes=draw(st.sampled_from([0, 0, 10, 40])),
        on_dead_reference=draw(st.sampled_from(list(DeadReference))),
        notice=draw(st.booleans()),
    )
