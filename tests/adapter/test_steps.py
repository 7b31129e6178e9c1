"""The table has a row for everything, every row can be taken, and the page drawn from it is current."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from strict_qq import refused

from adapter.answers import Accepted, InReview, Throttled, Unknown
from adapter.codes import Reaction, react
from adapter.frames import UPLOAD_KINDS, FrameKind
from adapter.steps import STEPS, Step
from adapter.stream import StreamMachine

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", FrameKind)
def test_every_kind_of_frame_has_a_step_for_every_reaction(kind: FrameKind) -> None:
    assert set(STEPS[kind]) == set(Reaction)


@pytest.mark.parametrize("step", Step)
def test_every_step_is_taken_somewhere_and_can_be(step: Step) -> None:
    assert callable(getattr(StreamMachine, f"_on_{step}"))
    assert any(step in row.values() for row in STEPS.values())


def test_only_an_upload_is_repeated_without_a_doubt() -> None:
    doubting = {kind for kind in FrameKind if STEPS[kind][Reaction.UNKNOWN] is Step.DOUBT}
    assert doubting == set(FrameKind) - set(UPLOAD_KINDS)


def test_the_answers_are_read_as_the_table_names_them() -> None:
    assert react(Accepted("id")) is Reaction.ACCEPT
    assert react(InReview("audit")) is Reaction.REVIEW
    assert react(Unknown("timeout")) is Reaction.UNKNOWN
    assert react(Throttled()) is Reaction.THROTTLE
    for code, reaction in {
        40034017: Reaction.NEWLINE,
        40034012: Reaction.MARKDOWN,
        40034090: Reaction.MARKDOWN,
        50056: Reaction.MARKDOWN,
        304041: Reaction.MARKDOWN,
        50002: Reaction.THROTTLE,
        40034021: Reaction.THROTTLE,
        40034005: Reaction.REFERENCE,
        304103: Reaction.REFERENCE,
        40034024: Reaction.REFERENCE,
        40034128: Reaction.REFERENCE,
        40006: Reaction.INDEX,
        40007: Reaction.PREFIX,
        40054005: Reaction.DUPLICATE,
        40054010: Reaction.ADDRESS,
        304003: Reaction.ADDRESS,
        40034006: Reaction.MODERATED,
        40054013: Reaction.TARGET,
        304080: Reaction.FILE_INFO,
        40093002: Reaction.CAPACITY,
        11253: Reaction.PERMANENT,
    }.items():
        assert react(refused(code)) is reaction, code


def test_the_drawn_page_is_current() -> None:
    drawn = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "draw_steps.py")], capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs" / "steps.md").read_text(encoding="utf-8") == drawn.stdout, "run scripts/draw_steps.py"
