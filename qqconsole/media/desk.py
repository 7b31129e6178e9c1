"""ConsoleDesk: the library's part in sending one media item (``adapter.desk.MediaDesk``).

Files are copied, looked into and converted in threads of their own; rows are read and written through the two callables
it is given, which are the engine's database threads.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from django.utils import timezone

from adapter.answers import Answer, Exchange, Refused
from adapter.content import Content, ContentGone
from adapter.errors import MediaRefused
from adapter.media import read_data_url
from adapter.outside import HARD_LIMIT, Outside
from adapter.pieces import MediaItem, MediaKind
from adapter.targets import Target
from qqconsole.media import child, library, voice
from qqconsole.media.content import open_content
from qqconsole.media.intake import STRIDE, Received, find, receive, record, scratch
from qqconsole.media.kinds import as_sent
from qqconsole.media.models import MediaFile
from qqconsole.media.names import name_for
from qqconsole.media.reasons import MediaProblem, in_english
from qqconsole.media.sniffing import SILK

_DECODING = ThreadPoolExecutor(child.MOST, "decoding")
"""For what waits for a child of ours, minutes at times: never the loop's own threads, which every delivery needs."""


class Ask(Protocol):
    """Run ``query`` in a database thread; give what it returns, raise what it raises."""

    def __call__(self, query: Callable[[], Any], /) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True)
class ConsoleDesk:
    """For one delivery. Refused items come back as words; what these raise is the database's own trouble."""

    bot_id: int
    delivery_id: int | None
    """A reply that is to be noted beside the files its model sends; None for a media delivery, which names its own."""
    read: Ask
    write: Ask
    """Like ``read``, in a transaction; what runs in it may run again."""
    outside: Outside
    allow_private: bool = False

    async def prepare(self, item: MediaItem, target: Target) -> MediaItem | str:
        """The item with its content, as what it goes to QQ; or a refusal in plain English."""
        try:
            file = await self._file_of(item)
            if file is None:
                return item  # an address, which QQ or ``fetch`` asks
            return await self._as_sent(item, file, target)
        except MediaProblem as problem:
            return in_english(problem.reason)
        except MediaRefused as refused:
            return str(refused)
        except ContentGone:
            return in_english("gone")

    async def fetch(self, item: MediaItem) -> tuple[Answer, MediaItem | None]:
        """Get what lies at the item's address into the library; the item then has content."""
        with ExitStack() as stack:
            try:
                path = stack.enter_context(scratch())
            except MediaProblem as problem:
                return _refused(problem), None
            answer, fetched = await self.outside.fetch(item.url or "", path, allow_private=self.allow_private)
            if fetched is None:
                return answer, None
            try:
                file = await self._take_in(path, item.name or fetched.name)
                found = replace(item, url=None, data=None, name=item.name or fetched.name, file_id=file.pk)
                return answer, await self._as_sent(found, file, None)
            except MediaProblem as problem:
                return _refused(problem), None
            except ContentGone:
                return _refused(MediaProblem("gone")), None

    async def uploaded(self, item: MediaItem, target: Target, file_info: str, ttl: int | None) -> None:
        """Remember QQ's ``file_info`` for this bot and scene; one whose end nobody knows is not remembered."""
        if item.file_id is None or ttl is None or not file_info:
            return
        until = None if ttl == 0 else timezone.now() + timedelta(seconds=ttl)
        use = library.Use(self.bot_id, target.scene, item.file_id, item.kind, item.name)
        await self.write(lambda: library.remember(use, file_info, until))

    async def spent(self, item: MediaItem, target: Target) -> None:
        """Forget a ``file_info`` that QQ does not take any more."""
        if item.file_id is not None:
            use = library.Use(self.bot_id, target.scene, item.file_id, item.kind, item.name)
            await self.write(lambda: library.forget(use, item.file_info))

    async def _file_of(self, item: MediaItem) -> MediaFile | None:
        if item.file_id is not None:
            file_id = item.file_id
            found: MediaFile | None = await self.read(lambda: library.file_of(file_id))
            if found is None:
                raise MediaProblem("gone")
            await self._note_time(found)
            return found
        if item.content is not None:
            with ExitStack() as stack:
                path = stack.enter_context(scratch())
                await _copy(item.content, path)
                return await self._take_in(path, item.name)
        data = item.data
        if data is None and item.url is not None and item.url[:5].lower() == "data:":
            data = read_data_url(item.url)
        return None if data is None else await self._take_in(io.BytesIO(data), item.name)

    async def _take_in(self, source: io.BytesIO | Path, name: str) -> MediaFile:
        """``intake.take_in``, its disk work off the loop and its rows in the database's threads."""
        with ExitStack() as stack:
            received = await asyncio.to_thread(stack.enter_context, receive(source, name=name, limit=HARD_LIMIT))
            file = await self._kept(received)
        if self.delivery_id is not None:
            delivery_id = self.delivery_id
            await self.write(lambda: library.note_use(file.pk, delivery_id))
        return file

    async def _kept(self, received: Received) -> MediaFile:
        found: MediaFile | None = await self.read(lambda: find(received))
        if found is not None:
            await self._note_time(found)
            return found
        await _decoding(received.examine)
        places = await asyncio.to_thread(received.store)
        try:
            made: MediaFile = await self.write(lambda: record(received, places, None))
        except BaseException:
            await asyncio.to_thread(places.discard)
            raise
        if made.file.name != places.file:
            await asyncio.to_thread(places.discard)
        return made

    async def _note_time(self, file: MediaFile) -> None:
        if library.is_due(file):
            await self.write(lambda: library.note_time(file.pk))

    async def _as_sent(self, item: MediaItem, file: MediaFile, target: Target | None) -> MediaItem:
        kind, note = as_sent(file, item.kind)
        sent = file
        if kind == MediaKind.VOICE.value:
            try:
                sent = await self._silk_of(file)
                note = note or ("voice_converted" if sent.pk != file.pk else "")
            except voice.NoVoice as refusal:
                kind, note = as_sent(file, MediaKind.FILE)[0], refusal.note
        name = name_for(item.name or file.name, file.mime, file.kind)
        changed = replace(
            item,
            kind=MediaKind(kind),
            url=None,
            data=None,
            content=await open_content(sent),
            name=name,
            note=note or item.note,
            file_id=file.pk,
        )
        if target is None:
            return changed
        use = library.Use(self.bot_id, target.scene, file.pk, changed.kind, name)
        return replace(changed, file_info=await self.read(lambda: library.recall(use)))

    async def _silk_of(self, file: MediaFile) -> MediaFile:
        """The same sound as SILK, converted once. Raises NoVoice."""
        if file.silk_id is not None:
            known: MediaFile | None = await self.read(lambda: library.file_of(file.silk_id or 0))
            if known is not None:
                return known
        with ExitStack() as stack:
            source, result = stack.enter_context(scratch()), stack.enter_context(scratch())
            content = await open_content(file)
            if file.mime == SILK and voice.is_ready(await content.read(0, min(16, content.size))):
                return file
            await _copy(content, source)
            await _decoding(voice.write_silk, source, file.mime, result)
            if (size := result.stat().st_size) > library.VOICE_LIMIT:
                raise voice.NoVoice("voice_too_large" if size else "voice_unconvertible")
            silk = await self._take_in(result, file.name.rpartition(".")[0] + ".silk")
        await self.write(lambda: library.join(file.pk, silk.pk))
        return silk


async def _decoding(look: Callable[..., Any], *given: Any) -> None:
    await asyncio.get_running_loop().run_in_executor(_DECODING, look, *given)


async def _copy(content: Content, path: Path) -> None:
    """``content`` into the new file ``path``. Raises ContentGone and MediaProblem."""
    file = await asyncio.to_thread(path.open, "xb")
    with file:
        for offset in range(0, content.size, STRIDE):
            data = await content.read(offset, min(STRIDE, content.size - offset))
            await asyncio.to_thread(file.write, data)


def _refused(problem: MediaProblem) -> Answer:
    temporary = problem.reason in ("disk_full", "storage")
    return Refused(None, not temporary, Exchange(http_status=200, message=in_english(problem.reason)))
