"""QQ's codes: what each means in plain words, and how the sender reacts. Branch on codes, never on wording.

See ``Reaction`` for the words. The table is in ``adapter.code_table``; its source is the sheet, mostly 6.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from adapter.answers import Accepted, Answer, InReview, Refused, Throttled, Unknown
from adapter.code_table import TABLE


class Reaction(StrEnum):
    """What an answer means for the frame that got it; ``adapter.steps`` says what each kind of frame does."""

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
    """The text is too long."""
    FULL = "full"
    """40054015: the stream takes no more frames."""
    ADDRESS = "address"
    """A URL in the text is refused."""
    MODERATED = "moderated"
    """The content was stopped by moderation."""
    TARGET = "target"
    """This user or group takes nothing from this bot."""
    FILE_INFO = "file_info"
    """304080: the file_info is of another scene or not good any more."""
    CAPACITY = "capacity"
    """40093002: nothing more can be uploaded today."""
    PERMANENT = "permanent"
    """Any other final no."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code of QQ's: our reaction and its meaning for an operator, in Chinese and English."""

    number: int
    reaction: Reaction
    zh: str
    en: str


def _read(table: str) -> Iterator[Code]:
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        numbers, reaction, zh = first.split(" ", 2)
        for number in numbers.split(","):
            yield Code(int(number), Reaction(reaction), zh, second.strip())


CODES: dict[int, Code] = {code.number: code for code in _read(TABLE)}

_FREQUENCY = range(504000, 505000)
"""Sheet 6.1 gives 504xxx as one family: message frequency."""

TOKEN_CODES = frozenset({11241, 11242, 11243, 11244})
"""A 401 with one of these is worth one resend with a fresh token (sheet 1.4)."""

REVIEW_CODES = frozenset({304023, 304024})

_TEMPORARY = frozenset({Reaction.RETRY, Reaction.THROTTLE, Reaction.UNKNOWN, Reaction.REVIEW})


def known(code: int | None) -> Code | None:
    """The table's entry, or None for no code and for codes the sheet does not list."""
    if code is None:
        return None
    if code in _FREQUENCY:
        return Code(code, Reaction.THROTTLE, "消息频率受限。稍后再发。", "Too frequent. It is sent later.")
    return CODES.get(code)


def telling(*codes: int | None) -> int | None:
    """Of ``code`` and ``err_code``, which QQ lets differ (sheet 1.5), the one that says more.

    A listed code before an unlisted one, one with a reaction of its own before a bare final no, the earlier
    before the later. None when there is no non-zero code at all.
    """
    present = [code for code in codes if code]
    listed = [entry for entry in map(known, present) if entry]
    for entry in listed:
        if entry.reaction is not Reaction.PERMANENT:
            return entry.number
    if listed:
        return listed[0].number
    return present[0] if present else None


def is_permanent(code: int | None) -> bool:
    """Whether the same request can never be taken; a code the sheet does not list counts as final."""
    entry = known(code)
    return entry is None or entry.reaction not in _TEMPORARY


def meaning(code: int | None, language: str) -> str:
    """``code`` in plain words; ``language`` "zh…" gives Chinese, anything else English. Never raises."""
    chinese = language.lower().startswith("zh")
    if not code:
        return "QQ 没有给出错误码。" if chinese else "QQ gave no code."
    entry = known(code)
    if entry is None:
        return f"QQ 的错误码 {code}，没有公开说明。" if chinese else f"QQ's code {code}, which is not documented."
    return entry.zh if chinese else entry.en


def react(answer: Answer) -> Reaction:
    """How the sender takes ``answer``; for a refusal by its codes, and by wording only where no code came."""
    match answer:
        case Accepted():
            return Reaction.ACCEPT
        case InReview():
            return Reaction.REVIEW
        case Unknown():
            return Reaction.UNKNOWN
        case Throttled():
            return Reaction.THROTTLE
        case Refused():
            return _react_to_refusal(answer)


def _react_to_refusal(refused: Refused) -> Reaction:
    exchange = refused.exchange
    code = telling(refused.code, exchange.err_code, exchange.code)
    entry = known(code)
    if entry is not None:
        return entry.reaction
    if code is None:
        if exchange.http_status == 413:
            return Reaction.LENGTH
        if worded := _by_wording(exchange.message):
            return worded
    return Reaction.PERMANENT if refused.permanent else Reaction.RETRY


def _by_wording(message: str) -> Reaction | None:
    """Only texts whose codes QQ has not published, or which came without one (sheet 4.1, 6.1 "text only")."""
    if "换行符结束" in message or "\\n结束" in message or "\n结束" in message:
        return Reaction.NEWLINE
    if "不允许发送url" in message.lower():
        return Reaction.ADDRESS
    return None
