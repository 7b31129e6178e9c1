"""QQ's codes: what each means in plain words, and how the sender reacts to it. Branch on codes, never on wording.

The colleague's table goes here; see ``Reaction`` for the words.
"""

from __future__ import annotations

from enum import StrEnum


class Reaction(StrEnum):
    """What an answer means for the frame that got it; ``adapter.steps`` says what each kind of frame does then."""

    ACCEPT = "accept"
    REVIEW = "review"
    RETRY = "retry"
    """Temporary and certainly not taken: wait, then again."""
    THROTTLE = "throttle"
    """Too fast, or another stream is being sent: wait, then again."""
    UNKNOWN = "unknown"
    """It may have taken effect."""
    DUPLICATE = "duplicate"
    """40054005: the (msg_id, msg_seq) pair is used."""
    NEWLINE = "newline"
    """40034017: this markdown frame must end in a newline."""
    MARKDOWN = "markdown"
    """Native markdown is refused for this target: plain text instead."""
    REFERENCE = "reference"
    """The msg_id is dead, foreign or used up."""
    INDEX = "index"
    """40006: a higher index is wanted."""
    PREFIX = "prefix"
    """40007: text already delivered may not change (also: the stream is over)."""
    STREAM_OVER = "stream_over"
    """40034018/19/20/22: nothing more can be added to this stream."""
    LENGTH = "length"
    """The text (or the stream) is too long."""
    ADDRESS = "address"
    """A URL in the text is refused."""
    MODERATED = "moderated"
    """The content was stopped by moderation."""
    TARGET = "target"
    """This user or group takes nothing from this bot."""
    PERMANENT = "permanent"
    """Any other final no."""
