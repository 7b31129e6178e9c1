"""Which events a bot subscribes to, and what it can do without where QQ permits fewer (sheet 2.3)."""

from __future__ import annotations

from adapter.botpy_door import Intents

MESSAGES: int = Intents(public_messages=True).value
"""C2C and group messages: what nearly every bot is for."""

GUILD_MESSAGES: int = Intents(public_guild_messages=True, direct_message=True).value

EXTRAS: int = Intents(interaction=True, message_audit=True).value
"""Buttons and the outcome of human reviews."""

DEFAULT: int = MESSAGES | GUILD_MESSAGES | EXTRAS


def fewer(intents: int) -> list[int]:
    """``intents`` first, then ever smaller sets of it to try after close 4013 or 4014; never empty."""
    kept = [
        intents,
        intents & (MESSAGES | GUILD_MESSAGES),
        intents & MESSAGES,
        intents & GUILD_MESSAGES,
        intents & Intents(public_guild_messages=True).value,
    ]
    return list(dict.fromkeys([intents, *(each for each in kept if each)]))
