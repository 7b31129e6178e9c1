"""Which sessions a list shows: those of one bot, those whose name or target id holds a text. Kept in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q

from adapter.storable import storable

LONGEST_TEXT = 128
"""Characters; no name or target id is longer."""


class BadNarrowing(ValueError):
    """A bot that no page of ours names."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    bot: int | None = None
    text: str = ""

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> Narrowing:
        """Return what ``?bot=`` and ``?q=`` ask for; both may be missing or empty. Raises BadNarrowing."""
        bot = asked.get("bot", "")
        if bot and not (bot.isascii() and bot.isdigit() and len(bot) < 19):
            raise BadNarrowing(bot)
        return cls(int(bot) if bot else None, storable(asked.get("q", "")).strip()[:LONGEST_TEXT])

    def __bool__(self) -> bool:
        return self.bot is not None or bool(self.text)

    @property
    def condition(self) -> Q:
        """Of a Session. An unnamed one goes by the end of its target id, so that is looked at in any case."""
        condition = Q() if self.bot is None else Q(bot=self.bot)
        if self.text:
            condition &= Q(name__icontains=self.text) | Q(target_id__icontains=self.text)
        return condition

    @property
    def query(self) -> str:
        """The same for an address, without "?"; "" where nothing is asked for."""
        asked = {"bot": self.bot, "q": self.text}
        return urlencode({name: value for name, value in asked.items() if value})
