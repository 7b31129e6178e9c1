"""What a segment's row keeps of the media item it brings: all but its bytes; and back."""

from __future__ import annotations

from typing import Any

from adapter.pieces import MediaItem, MediaKind
from adapter.segment import Segment


def media_values(segment: Segment, item: MediaItem) -> dict[str, Any]:
    """Return the row's JSON."""
    size = len(item.data) if item.data is not None else item.content.size if item.content is not None else None
    more = {
        "size": size,
        "file_id": item.file_id,
        "note": item.note,
        "upload": segment.upload.progress() if segment.upload is not None else None,
        "step": segment.step,
    }
    values = {"kind": item.kind.value, "url": item.url, "name": item.name, "caption": item.caption}
    return values | {name: value for name, value in more.items() if value}


def item_of(media: dict[str, Any]) -> MediaItem:
    """Return the item as its row tells it; its bytes are given back by the library."""
    return MediaItem(
        MediaKind(media["kind"]),
        url=media.get("url") or None,
        name=media.get("name", ""),
        caption=media.get("caption", ""),
        note=media.get("note", ""),
        file_id=media.get("file_id"),
    )
