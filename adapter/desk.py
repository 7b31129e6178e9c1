"""MediaDesk: whom the sender asks about one media item, before, while and after QQ gets it.

The console's desk keeps files in its library and remembers each ``file_info``; ``plain_desk.PlainDesk`` needs neither a
database nor Django.
"""

from __future__ import annotations

from typing import Protocol

from adapter.answers import Answer
from adapter.pieces import MediaItem
from adapter.targets import Target


class MediaDesk(Protocol):
    """A refused item is an answer, not an exception: what these raise ends the whole reply."""

    async def prepare(self, item: MediaItem, target: Target) -> MediaItem | str:
        """The item as it can go to ``target``, which has uploads: looked at, converted, its ``data`` turned into
        ``content``, its kind the one its content has, ``note`` saying what was changed and why, ``file_info`` set
        where QQ still has it. Or a refusal in plain English, for the model and the row."""
        ...

    async def fetch(self, item: MediaItem) -> tuple[Answer, MediaItem | None]:
        """Get what lies at ``item.url``, and prepare it. ``Accepted`` with the item as it then is (with ``content``),
        or why it could not be had: ``Unknown`` and a ``Refused`` that is not permanent are tried again."""
        ...

    async def uploaded(self, item: MediaItem, target: Target, file_info: str, ttl: int | None) -> None:
        """QQ has the item for this scene. ``ttl`` in seconds: 0 for ever, None where QQ did not say."""
        ...

    async def spent(self, item: MediaItem, target: Target) -> None:
        """QQ does not take ``item.file_info`` (any more): it is not to be used again."""
        ...
