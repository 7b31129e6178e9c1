"""PlainDesk: a media desk without a library. It recognises what an item is, and remembers nothing."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from adapter.addresses import check_address
from adapter.answers import Answer, Refused
from adapter.content import BytesContent, Content, ContentGone, FileContent
from adapter.errors import AdapterError
from adapter.media import content_kind, read_data_url
from adapter.outside import HARD_LIMIT, Fetched, Outside
from adapter.pieces import MediaItem, MediaKind
from adapter.targets import Target

_MEGABYTE = 1_048_576
SOFT_LIMITS = {MediaKind.IMAGE: 20 * _MEGABYTE, MediaKind.VIDEO: 30 * _MEGABYTE, MediaKind.VOICE: 20 * _MEGABYTE}
"""Bytes above which QQ takes it as a file (sheet 5.2)."""


class PlainDesk:
    """What is fetched lies in a folder of its own until ``close``."""

    def __init__(self, outside: Outside, *, allow_private: bool = False) -> None:
        self._outside = outside
        self._allow_private = allow_private
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    async def close(self) -> None:
        """Remove what was fetched. May be called again."""
        folder, self._folder = self._folder, None
        if folder is not None:
            await asyncio.to_thread(folder.cleanup)

    async def prepare(self, item: MediaItem, target: Target) -> MediaItem | str:
        """As ``desk.MediaDesk``: the bytes must be of the kind they are said to be."""
        try:
            content = item.content or _inline(item)
            if content is not None:
                return await _fitted(item, content)
            if not item.url:
                return "there is neither an address nor data"
            check_address(item.url, self._allow_private)
        except (AdapterError, ContentGone) as refused:
            return str(refused)
        return item

    async def fetch(self, item: MediaItem) -> tuple[Answer, MediaItem | None]:
        """As ``desk.MediaDesk``; what turns out to be of another kind goes as a file."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="qq-media-")
        self._count += 1
        path = Path(self._folder.name) / str(self._count)
        answer, fetched = await self._outside.fetch(item.url or "", path, allow_private=self._allow_private)
        if fetched is None:
            return answer, None
        try:
            fitted = await _as_found(item, fetched, await FileContent.of(path))
        except ContentGone as gone:
            fitted = str(gone)
        if isinstance(fitted, str):
            return Refused(None, True, replace(answer.exchange, message=fitted)), None
        return answer, fitted

    async def uploaded(self, item: MediaItem, target: Target, file_info: str, ttl: int | None) -> None:
        """Nothing is remembered."""

    async def spent(self, item: MediaItem, target: Target) -> None:
        """Nothing was remembered."""


def _inline(item: MediaItem) -> Content | None:
    if item.data is not None:
        return BytesContent(item.data)
    if item.url is not None and item.url[:5].lower() == "data:":
        return BytesContent(read_data_url(item.url))
    return None


async def _fitted(item: MediaItem, content: Content) -> MediaItem | str:
    """The item with ``content``, as QQ takes it; or why QQ would not take it."""
    if not content.size:
        return "the file is empty"
    if content.size > HARD_LIMIT:
        return f"the file is over {HARD_LIMIT // _MEGABYTE} MB, which QQ does not take"
    if item.kind is not MediaKind.FILE and content_kind(await content.read(0, min(16, content.size))) is not item.kind:
        return f"the file's content is no {item.kind} that QQ plays"
    fitted = replace(item, content=content, data=None, url=None)
    limit = SOFT_LIMITS.get(item.kind)
    if limit is not None and content.size > limit:
        return replace(fitted, kind=MediaKind.FILE, note=f"over {limit // _MEGABYTE} MB: QQ takes it as a file")
    return fitted


async def _as_found(item: MediaItem, fetched: Fetched, content: Content) -> MediaItem | str:
    named = replace(item, name=item.name or fetched.name)
    fitted = await _fitted(named, content)
    if isinstance(fitted, str) and content.size and item.kind is not MediaKind.FILE:
        note = f"its content is no {item.kind} that QQ plays: it goes as a file"
        return await _fitted(replace(named, kind=MediaKind.FILE, note=note), content)
    return fitted
