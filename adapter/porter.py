"""Porter: carries what of a media item is no plain request to QQ's API: bytes read, PUT and fetched, the desk told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from adapter.addresses import check_address
from adapter.answers import Accepted, Answer, Exchange, Refused
from adapter.codes import Reaction, react
from adapter.content import Content, ContentGone
from adapter.desk import MediaDesk
from adapter.errors import AddressRefused
from adapter.frames import Frame, FrameKind
from adapter.outside import Outside
from adapter.parts import Part, read_ttl
from adapter.pieces import MediaItem, MediaKind
from adapter.plain_desk import PlainDesk
from adapter.policy import Policy
from adapter.request import Request
from adapter.segment import Segment
from adapter.targets import Target
from adapter.ways import Way, content_of

STRIDE = 1_048_576
"""Bytes of a part that are in memory at a time."""


class Porter:
    """Of one reply. Without a desk and an ``Outside`` of the caller's it takes plain ones, and clears them away."""

    def __init__(self, policy: Policy, target: Target, desk: MediaDesk | None, outside: Outside | None) -> None:
        self._policy = policy
        self._target = target
        self._own: list[PlainDesk | Outside] = []
        if outside is None:
            outside = Outside()
            self._own.append(outside)
        if desk is None:
            desk = plain = PlainDesk(outside, allow_private=policy.allow_private)
            self._own.append(plain)
        self._outside = outside
        self._desk = desk

    async def close(self) -> None:
        """Clear away what is our own. May be called again."""
        for each in self._own:
            await each.close()

    async def prepare(self, item: MediaItem) -> MediaItem | str:
        """The item as it can go to the target; or why it cannot go at all, in words fit for the model."""
        if self._policy.uploads:
            return await self._desk.prepare(item, self._target)
        if item.kind is not MediaKind.IMAGE or not item.url or item.data is not None or item.content is not None:
            return "guild channels take only the address of a picture"
        return self._refusal_of(item.url) or item

    def _refusal_of(self, url: str) -> str:
        try:
            check_address(url, self._policy.allow_private)
        except AddressRefused as refused:
            return str(refused)
        return ""

    # ---- before a request leaves ----------------------------------------------------------------------------------

    async def load(self, frame: Frame, request: Request) -> Request | Refused:
        """The request with the bytes that the record does without; or the refusal of what must not be asked for."""
        item = frame.media
        if frame.kind is not FrameKind.UPLOAD or item is None:
            return request
        if frame.way is Way.URL and (words := self._refusal_of(item.url or "")):
            return _refused(words)
        if frame.way is not Way.DATA:
            return request
        try:
            content = content_of(item)
            data = await content.read(0, content.size)
        except ContentGone as gone:
            return _refused(str(gone))
        encoded = await asyncio.to_thread(base64.b64encode, data)
        return replace(request, body={**request.body, "file_data": encoded.decode("ascii")})

    # ---- what goes elsewhere --------------------------------------------------------------------------------------

    async def fetch(self, frame: Frame) -> tuple[Answer, MediaItem | None]:
        """What lies at the item's address."""
        if frame.media is None:
            return _refused("there is nothing to fetch"), None
        return await self._desk.fetch(frame.media)

    async def put(self, frame: Frame) -> Answer:
        """One part to its presigned address; its MD5 is in the ``data`` of ``Accepted``."""
        if frame.media is None or frame.part is None:
            return _refused("there is no part to put")
        part = frame.part
        body = _PartBody(content_of(frame.media), part)
        policy = self._policy
        answer = await self._outside.put(
            part.url, body, part.size, silence=policy.part_silence, allow_private=policy.allow_private
        )
        if body.gone is not None:
            return _refused(str(body.gone))
        return replace(answer, data={"md5": body.md5}) if isinstance(answer, Accepted) else answer

    # ---- what the desk is told --------------------------------------------------------------------------------------

    async def told(self, frame: Frame, answer: Answer, segment: Segment) -> None:
        """After the machine has taken ``answer``: what the desk may remember, or must forget."""
        if frame.media is None:
            return
        if frame.kind in (FrameKind.UPLOAD, FrameKind.PREPARE) and isinstance(answer, Accepted) and segment.file_info:
            await self._desk.uploaded(frame.media, self._target, segment.file_info, read_ttl(answer.data))
        elif frame.kind is FrameKind.MEDIA and react(answer) is Reaction.FILE_INFO:
            await self._desk.spent(replace(frame.media, file_info=frame.file_info), self._target)


class _PartBody:
    """A part's bytes, read and summed while they leave."""

    def __init__(self, content: Content, part: Part) -> None:
        self._content = content
        self._part = part
        self._hash = _md5()
        self.gone: ContentGone | None = None

    @property
    def md5(self) -> str:
        """Of what has left."""
        return str(self._hash.hexdigest())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        offset, end = self._part.offset, self._part.offset + self._part.size
        while offset < end:
            try:
                data = await self._content.read(offset, min(STRIDE, end - offset))
            except ContentGone as gone:
                self.gone = gone
                raise
            await asyncio.to_thread(self._hash.update, data)
            yield data
            offset += len(data)


def _refused(words: str) -> Refused:
    return Refused(None, True, Exchange(message=words))


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
