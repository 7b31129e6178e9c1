"""The ways a media item gets to QQ, in the order they are tried (sheet 5.1 to 5.3)."""

from __future__ import annotations

from enum import StrEnum

from adapter.content import BytesContent, Content, ContentGone
from adapter.pieces import MediaItem, MediaKind

DIRECT_LIMIT = 4 * 1_048_576
"""Bytes sent inline. QQ takes about 4.5 MB and fails oddly above that (sheet 5.2)."""


class Way(StrEnum):
    URL = "url"
    """QQ fetches the address itself."""
    FETCH = "fetch"
    """We fetch it, and go on with the ways of its content."""
    DATA = "data"
    """Its bytes inline, in base64."""
    PARTS = "parts"
    """Prepare, PUT and finish each part, merge."""


def ways_of(item: MediaItem, direct_limit: int = DIRECT_LIMIT) -> tuple[Way, ...]:
    """The ways for ``item``; () where there is nothing to upload."""
    if (size := size_of(item)) is not None:
        return (Way.DATA, Way.PARTS) if size <= direct_limit else (Way.PARTS,)
    if not item.url:
        return ()
    # What a voice is must be looked at: QQ plays SILK only (sheet 5.4).
    return (Way.FETCH,) if item.kind is MediaKind.VOICE else (Way.URL, Way.FETCH)


def size_of(item: MediaItem) -> int | None:
    """Bytes of the item; None where only its address is known."""
    if item.content is not None:
        return item.content.size
    return None if item.data is None else len(item.data)


def content_of(item: MediaItem) -> Content:
    """The item's bytes, wherever they are. Raises ContentGone where there are none."""
    if item.content is not None:
        return item.content
    if item.data is None:
        raise ContentGone("there are no bytes of it")
    return BytesContent(item.data)
