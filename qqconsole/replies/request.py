"""What a reply source is asked: everything it needs, with no row and no query behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier turn of the conversation, oldest first in ``ReplyRequest.turns``."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """One question to a reply source. Built by ``history.reply_request``, answered by ``sources.open_source``."""

    source: str
    """Which source answers: a name in ``sources.SOURCES`` (``Bot.source``)."""
    url: str
    model: str
    key: str = field(default="", repr=False)
    system_prompt: str = ""
    turns: tuple[Turn, ...] = ()
    user_text: str = ""
    """The user's own words, unchanged."""
    attachments: tuple[str, ...] = ()
    """What came with them, each in words with its address."""
    silence_timeout: float = 120.0
    """Seconds the source may say nothing, at the start or in the middle."""
    media_allowed: bool = False
    """Whether the scene takes pictures, videos, voice and files (guild endpoints do not, sheet 3.2)."""
    allow_private: bool = False
    """Whether media may lie at a private address."""
