"""What must hold of every journey once it is over, and its record as the screen takes it."""

from __future__ import annotations

from collections.abc import Sequence

from journeys import NOTICE, Travel
from strict_qq import Shown

from adapter.boundaries import is_blank
from adapter.codes import Reaction
from adapter.frames import UPLOAD_KINDS, FrameKind
from adapter.screen import Recorded
from adapter.segment import Segment, SegmentKind, SegmentStatus
from adapter.verdicts import OutcomeStatus


def is_letter(letter: str) -> bool:
    return 0x4E00 < ord(letter) < 0x9000


def letters(text: str) -> str:
    return "".join(letter for letter in text if is_letter(letter))


def check(travel: Travel) -> None:
    """Every property of one finished journey; AssertionError names the broken one."""
    qq, machine, outcome = travel.qq, travel.machine, travel.outcome
    assert outcome is not None
    assert qq.violations == [], qq.violations
    segments = {**travel.earlier, **machine.segments}
    _check_segments(travel, segments)
    qq.tick(travel.now + 1_000)  # what was left open ends by itself
    bubbles = [bubble for bubble in qq.bubbles if not bubble.text.startswith(NOTICE)]
    seen = letters("".join(bubble.text for bubble in bubbles))
    assert list(seen) == sorted(set(seen)), "repeated or out of order"
    assert set(seen) <= set(letters(travel.generated)), "something nobody wrote"
    notices = [bubble for bubble in qq.bubbles if bubble.text.startswith(NOTICE)]
    assert len(notices) <= 1, "two notices"
    assert not (notices and seen), "a notice beside the reply"
    if outcome.status is OutcomeStatus.DELIVERED:
        assert seen == letters(travel.generated), "called delivered, and not all is there"
        if not _transformed(travel):
            _check_exact(travel, [_undone(bubble, segments) for bubble in bubbles])
    if outcome.status is OutcomeStatus.FAILED and not any(segment.shown for segment in segments.values()):
        assert not seen, "called failed, and the user sees it"
    if travel.cancelled_at is not None:
        _check_cancelled(travel)


def _check_segments(travel: Travel, segments: dict[int, Segment]) -> None:
    by_id = {bubble.id: bubble for bubble in travel.qq.bubbles}
    for segment in segments.values():
        assert segment.status is not SegmentStatus.OPEN, "a segment left open"
        assert travel.rows[segment.number].status is segment.status, "the record says something else"
        frames = [kept for kept in travel.kept if kept.frame.segment == segment.number]
        bubble = by_id.get(segment.message_id)
        brought = any(kept.frame.wire_text.removesuffix("\n").endswith(segment.closes_with) for kept in frames)
        assert brought or not segment.closes_with, "a fence called closed by what was never sent"
        if bubble is not None and bubble.open and segment.closes_with:
            assert bubble.text.endswith(segment.closes_with), "a fence called closed, and it is open"
        if segment.kind is SegmentKind.STREAM and segment.message_id:
            closings = [kept for kept in frames if kept.frame.kind is FrameKind.CLOSING]
            told_over = any(kept.reaction is Reaction.STREAM_OVER for kept in frames)
            assert closings or told_over, "an opened stream without a closing frame"
        if bubble is not None and segment.status in (SegmentStatus.CLOSED, SegmentStatus.DELIVERED):
            assert not bubble.open, "called closed, and it is open"
            if segment.media is None and segment.status is SegmentStatus.CLOSED and not _transformed(travel):
                whole = segment.opens_with + segment.text + segment.closes_with
                assert bubble.text in (whole, whole + "\n"), "another text than the record's"
    for bubble in travel.qq.bubbles:
        if bubble.open:
            owners = [one for one in segments.values() if one.message_id in (bubble.id, "")]
            marks = {SegmentStatus.UNCLOSED, SegmentStatus.UNKNOWN, SegmentStatus.IN_REVIEW}
            assert any(one.status in marks for one in owners), "left open, and not marked"


def _transformed(travel: Travel) -> bool:
    return any(kept.frame.why in ("newline", "neutralised") for kept in travel.kept)


def _undone(bubble: Shown, segments: dict[int, Segment]) -> str:
    """The bubble's text without what opens and closes a fence that was cut."""
    owner = next((one for one in segments.values() if one.message_id == bubble.id), None)
    if owner is None:
        # Proven by a duplicate, QQ never told its id.
        whole = bubble.text.removesuffix("\n")
        unnamed = [one for one in segments.values() if not one.message_id]
        made = (one for one in unnamed if (one.opens_with + one.text + one.closes_with).removesuffix("\n") == whole)
        owner = next(made, None)
    if owner is None:
        return bubble.text
    text = bubble.text.removeprefix(owner.opens_with)
    if owner.closes_with and not text.endswith(owner.closes_with):
        text = text.removesuffix("\n")
    return text.removesuffix(owner.closes_with)


def _check_exact(travel: Travel, texts: Sequence[str]) -> None:
    """Character by character, but for blanks between bubbles and a newline at the end of one."""
    assert _is_made_of(travel.generated, texts), "characters were lost or changed"


def _is_made_of(written: str, texts: Sequence[str]) -> bool:
    if not texts:
        return is_blank(written)
    for skipped in range(len(written) + 1):
        if not is_blank(written[:skipped]):
            return False
        for text in {texts[0], texts[0].removesuffix("\n")}:
            if written.startswith(text, skipped) and _is_made_of(written[skipped + len(text) :], texts[1:]):
                return True
    return False


def _check_cancelled(travel: Travel) -> None:
    """What no frame had brought before the cancel is never brought after it."""
    before = {letter for kept in travel.kept[: travel.cancelled_at] for letter in kept.frame.text}
    for kept in travel.kept[travel.cancelled_at :]:
        assert set(letters(kept.frame.text)) <= before, "new text after the cancel"
        media = kept.frame.kind in (*UPLOAD_KINDS, FrameKind.MEDIA)
        assert not media or kept.frame.why == "repeat", "media after the cancel"


def record_of(travel: Travel) -> list[Recorded]:
    """The journey's record as ``screen.fold`` takes it."""
    return [
        Recorded(
            segment=kept.frame.segment,
            dialect=travel.journey.road,
            kind=kept.frame.kind,
            content=kept.frame.media.caption if kept.frame.media else kept.frame.wire_text,
            sent_at=kept.sent_at,
            answered_at=kept.answered_at,
            verdict=kept.verdict,
            pair=kept.seq,
        )
        for kept in travel.kept
    ]
