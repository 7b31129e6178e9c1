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
    SMALLER = "smaller"
    """The limit of this reply is halved: a message is split, a delta sent in smaller ones, a bubble closed at what is
    shown and gone on from in a new one. Where it was short already: hold, cut or fail."""
    ROLL_OVER = "roll_over"
    """Close what is shown; the text goes on in a new segment, streamed."""
    CUT = "cut"
    """Close what is shown; the rest as a plain message."""
    OVER = "over"
    """Nothing can be added to the stream and nothing closed; the rest as a plain message."""
    MODERATED = "moderated"
    """The content is stopped: close what is shown, send no more of it."""
    GIVE_UP = "give_up"
    """Nothing reaches this target: close what is shown, no more of this reply."""
    NEXT_WAY = "next_way"
    """The upload goes the next way. The last one: a temporary no is tried again, any other is final."""
    PART_AGAIN = "part_again"
    """The same step of the same part, as long as QQ allows; then as below."""
    PUT_AGAIN = "put_again"
    """QQ does not have the part: its bytes once more, as long as QQ allows; then as below."""
    ANEW = "anew"
    """The upload in parts from its beginning, with a fresh prepare; that was done twice: fail."""
    FORGET = "forget"
    """The file_info is not used again: uploaded anew, once."""
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
    R.LENGTH: Step.SMALLER,
    R.FULL: Step.ROLL_OVER,
    R.ADDRESS: Step.CUT,
    R.FILE_INFO: Step.CUT,
    R.CAPACITY: Step.CUT,
    R.PERMANENT: Step.CUT,
}
"""A stream that is open at QQ, which must be closed."""

_UPLOAD = {
    **dict.fromkeys(R, Step.FAIL),
    R.ACCEPT: Step.TAKE,
    R.RETRY: Step.AGAIN,
    R.THROTTLE: Step.AGAIN,
    # It shows nothing to anyone: doing it again is harmless.
    R.UNKNOWN: Step.AGAIN,
}

STEPS: dict[K, dict[R, Step]] = {
    K.OPENING: {
        **_ANY,
        R.MARKDOWN: Step.PLAIN_TEXT,
        R.REFERENCE: Step.UNREFERENCED,
        R.INDEX: Step.HIGHER,
        R.PREFIX: Step.HOLD,
        R.STREAM_OVER: Step.AGAIN,
        R.LENGTH: Step.SMALLER,
        R.FULL: Step.HOLD,
        R.ADDRESS: Step.HOLD,
        R.FILE_INFO: Step.HOLD,
        R.CAPACITY: Step.HOLD,
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
        R.LENGTH: Step.SMALLER,
        R.FULL: Step.FAIL,
        R.ADDRESS: Step.NEUTRALISE,
        R.FILE_INFO: Step.FAIL,
        R.CAPACITY: Step.FAIL,
        R.PERMANENT: Step.FAIL,
    },
    K.FETCH: {**_UPLOAD},
    K.PREPARE: {**_UPLOAD},
    K.PART: {
        **dict.fromkeys(R, Step.ANEW),
        R.ACCEPT: Step.TAKE,
        R.RETRY: Step.PART_AGAIN,
        R.THROTTLE: Step.PART_AGAIN,
        R.UNKNOWN: Step.PART_AGAIN,
    },
    K.FINISH: {
        **_UPLOAD,
        R.RETRY: Step.PUT_AGAIN,
        R.THROTTLE: Step.PART_AGAIN,
        R.UNKNOWN: Step.PART_AGAIN,
        R.PERMANENT: Step.ANEW,
    },
    K.UPLOAD: {
        **_UPLOAD,
        R.RETRY: Step.NEXT_WAY,
        R.LENGTH: Step.NEXT_WAY,
        R.ADDRESS: Step.NEXT_WAY,
        R.PERMANENT: Step.NEXT_WAY,
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
        R.FULL: Step.FAIL,
        R.ADDRESS: Step.FAIL,
        R.FILE_INFO: Step.FORGET,
        R.CAPACITY: Step.FAIL,
        R.PERMANENT: Step.FAIL,
    },
}
