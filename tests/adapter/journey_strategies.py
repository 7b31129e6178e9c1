"""Journeys at random: what the model writes, when, and what QQ answers."""

from __future__ import annotations

from hypothesis import strategies as st
from journeys import Act, Journey
from strict_qq import FINE, Fault, Strike

from adapter.policy import DeadReference

ROADS = ["stream_messages", "messages.stream", "stream_messages", "messages.stream", "group", "guild"]
WORDS = [40034017, 40034012, 40034011, 40054010, 40054007, 40054018, 40034006]
REPLIED_TO = [40034005, 304103, 40034024, 40034128, 22009]
STREAM = [40006, 40007, 40034018, 40034020, 40034022, 40034016]
REST = [40054013, 40034101, 11253, 99_999, 50001, 40054006, 304018, 40054005]
CODES = [*WORDS, *REPLIED_TO, *STREAM, *REST]
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
def journeys(draw: st.DrawFn) -> Journey:
    acts = draw(st.lists(act, max_size=8))
    acts.append(Act(draw(PAUSES), draw(ending)))
    if draw(st.integers(0, 3)) == 0:
        acts.insert(draw(st.integers(0, len(acts))), Act(draw(PAUSES), "cancel"))
        acts.append(Act(1.0, "end"))
    return Journey(
        road=draw(st.sampled_from(ROADS)),
        acts=tuple(acts),
        faults=tuple(draw(st.lists(fault, max_size=14))),
        latency=draw(st.sampled_from([0.0, 0.02, 0.4, 2.0])),
        open_after=draw(st.sampled_from([0, 1, 3, 12])),
        window=draw(st.sampled_from([None, None, None, 0.5, 3.0, 20.0])),
        on_dead_reference=draw(st.sampled_from(list(DeadReference))),
        notice=draw(st.booleans()),
    )
