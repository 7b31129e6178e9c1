"""The one table: what kind of frame met which reaction of QQ, and what happens next.

``tests/adapter/test_steps.py`` holds that every pair has its row; docs/steps.md is drawn from it
(``scripts/draw_steps.py``).
"""

from __future__ import annotations

from enum import StrEnum

from adapter.codes import Reaction as R
from adapter.frames import FrameKind as K


class Step(StrEnum):
    TAKE = "take"
    """QQ has it: go on from there."""
    TAKE_IN_REVIEW = "take_in_review"
    """QQ has it, a person will look at it first."""
    AGAIN = "again"
    """Wait, then compose anew: a new index and, in the older dialect and for messages, a new pair."""
    DOUBT = "doubt"
    """It may have taken effect: repeat the very same pair and content, or let the next cumulative frame heal it."""
    SETTLE_DUPLICATE = "settle_duplicate"
    """After an unknown outcome of the same pair and content it is proof; else the pair was somebody else's."""
    NEWLINE = "newline"
    """The same text with the newline, once."""
    PLAIN_TEXT = "plain_text"
    """The same as plain content."""
    UNREFERENCED = "unreferenced"
    """Without the msg_id, or not at all, as the bot's owner chose."""
    HIGHER = "higher"
    """The same with a higher index (an opening frame: with the other of 0 and 1)."""
    NEUTRALISE = "neutralise"
    """Addresses made harmless, once."""
    HOLD = "hold"
    """No stream: the whole text as one plain message when it is whole."""
    CUT = "cut"
    """Close what is shown; the rest as a plain message."""
    OVER = "over"
    """Nothing can be added to the stream and nothing closed; the rest as a plain message."""
    MODERATED = "moderated"
    """The content is stopped: close what is shown, send no more of it."""
    GIVE_UP = "give_up"
    """Nothing reaches this target: close what is shown, no more of this reply."""
    FAIL = "fail"
    """This segment is failed for good; what comes after it goes on."""


_ANY = {
    R.ACCEPT: Step.TAKE,
    R.REVIEW: Step.TAKE_IN_REVIEW,
    R.RETRY: Step.AGAIN,
    R.THROTTLE: Step.AGAIN,
    R.UNKNOWN: Step.DOUBT,
    R.DUPLICATE: Step.SETTLE_DUPLICATE,
    R.NEWLINE: Step.NEWLINE,
    R.TARGET: Step.GIVE_UP,
    R.MODERATED: Step.MODERATED,
}

_IN_STREAM = {
    **_ANY,
    R.MARKDOWN: Step.CUT,
    # The closing frame is tried once under the same msg_id: it may be the count that was refused, not the stream.
    R.REFERENCE: Step.CUT,
    R.INDEX: Step.HIGHER,
    R.PREFIX: Step.CUT,
    R.STREAM_OVER: Step.OVER,
    R.LENGTH: Step.CUT,
    R.ADDRESS: Step.CUT,
    R.PERMANENT: Step.CUT,
}
"""A stream that is open at QQ, which must be closed."""

STEPS: dict[K, dict[R, Step]] = {
    K.OPENING: {
        **_ANY,
        R.MARKDOWN: Step.PLAIN_TEXT,
        R.REFERENCE: Step.UNREFERENCED,
        R.INDEX: Step.HIGHER,
        R.PREFIX: Step.HOLD,
        R.STREAM_OVER: Step.AGAIN,
        R.LENGTH: Step.HOLD,
        R.ADDRESS: Step.HOLD,
        R.PERMANENT: Step.HOLD,
    },
    K.MIDDLE: {**_IN_STREAM},
    K.CLOSING: {**_IN_STREAM},
    K.PLAIN: {
        **_ANY,
        R.MARKDOWN: Step.PLAIN_TEXT,
        R.REFERENCE: Step.UNREFERENCED,
        R.INDEX: Step.FAIL,
        R.PREFIX: Step.FAIL,
        R.STREAM_OVER: Step.FAIL,
        R.LENGTH: Step.FAIL,
        R.ADDRESS: Step.NEUTRALISE,
        R.PERMANENT: Step.FAIL,
    },
    K.UPLOAD: {
        **_ANY,
        # An upload shows nothing to anyone: doing it again is harmless.
        R.UNKNOWN: Step.AGAIN,
        R.DUPLICATE: Step.FAIL,
        R.NEWLINE: Step.FAIL,
        R.TARGET: Step.FAIL,
        R.MODERATED: Step.FAIL,
        R.MARKDOWN: Step.FAIL,
        R.REFERENCE: Step.FAIL,
        R.INDEX: Step.FAIL,
        R.PREFIX: Step.FAIL,
        R.STREAM_OVER: Step.FAIL,
        R.LENGTH: Step.FAIL,
        R.ADDRESS: Step.FAIL,
        R.PERMANENT: Step.FAIL,
    },
    K.MEDIA: {
        **_ANY,
        R.NEWLINE: Step.FAIL,
        R.TARGET: Step.FAIL,
        R.MODERATED: Step.FAIL,
        R.MARKDOWN: Step.FAIL,
        R.REFERENCE: Step.UNREFERENCED,
        R.INDEX: Step.FAIL,
        R.PREFIX: Step.FAIL,
        R.STREAM_OVER: Step.FAIL,
        R.LENGTH: Step.FAIL,
        R.ADDRESS: Step.FAIL,
        R.PERMANENT: Step.FAIL,
    },
}
