"""Uploaded files: bound to their scene, good for their ttl (sheet 5.1)."""

from __future__ import annotations

import mimetypes
import uuid
from dataclasses import dataclass
from typing import Any

from simulator.arriving import Received
from simulator.bounded import Bounded
from simulator.clock import Clock
from simulator.codes import Refusal
from simulator.switches import Switches

KINDS = {1: "image", 2: "video", 3: "voice", 4: "file"}
DEFAULT_TYPES = {"image": "image/png", "video": "video/mp4", "voice": "audio/silk", "file": "application/octet-stream"}
MEGABYTE = 1024 * 1024
SOFT_LIMITS = {"image": 20 * MEGABYTE, "video": 30 * MEGABYTE, "voice": 20 * MEGABYTE, "file": 200 * MEGABYTE}
HARD_LIMIT = 200 * MEGABYTE
KEPT = 500
KEPT_BYTES = 64 * MEGABYTE  # of all files of a bot together; the oldest lose theirs first


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One uploaded file; `expires` 0 means never. `shows`: its bytes were small enough to be kept for the phone."""

    id: str
    file_info: str
    scene: str
    type: str
    name: str
    size: int
    sha256: str
    shows: bool
    expires: float

    @property
    def content_type(self) -> str:
        """The type a browser needs to show it."""
        return mimetypes.guess_type(self.name)[0] or DEFAULT_TYPES[self.type]

    def view(self) -> dict[str, Any]:
        """Return what a bubble shows of it."""
        return {
            "type": self.type,
            "name": self.name,
            "size": self.size,
            "sha256": self.sha256,
            "url": f"/_sim/media/{self.id}" if self.shows else None,
        }


class MediaStore:
    """The uploaded files of one bot."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._items: Bounded[str, MediaItem] = Bounded(KEPT)
        self._contents: dict[str, bytes] = {}

    def keep(self, scene: str, kind: str, name: str, file: Received) -> MediaItem:
        """Store a file and return it with its file_info."""
        ttl = self._switches.media_ttl
        item = MediaItem(
            id=uuid.uuid4().hex,
            file_info=f"sim-file-info-{uuid.uuid4().hex}",
            scene=scene,
            type=kind,
            name=name,
            size=file.size,
            sha256=file.sha256,
            shows=file.content is not None,
            expires=self._clock.now() + ttl if ttl else 0,
        )
        self._items[item.file_info] = item
        if file.content is not None:
            self._contents[item.id] = file.content
            while sum(map(len, self._contents.values())) > KEPT_BYTES:
                del self._contents[next(iter(self._contents))]
        return item

    def find(self, scene: str, file_info: Any) -> MediaItem:
        """Return the file of that file_info; raises 304080 when unknown, of another scene or past its ttl."""
        item = self._items.get(file_info) if isinstance(file_info, str) else None
        if item is None or item.scene != scene or (item.expires and self._clock.now() > item.expires):
            raise Refusal(304080)
        return item

    def content(self, item_id: str) -> tuple[bytes, str] | None:
        """Return the bytes of that file and the type a browser needs to show it, for the phone page."""
        content = self._contents.get(item_id)
        item = next((item for item in self._items.values() if item.id == item_id), None)
        return None if content is None or item is None else (content, item.content_type)


def looks_like(kind: str, content: bytes, *, silk_only: bool = False) -> bool:
    """Return whether the first bytes are of a format QQ takes for that kind (sheet 5.1); a file may be anything."""
    match kind:
        case "image":
            return content.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")) or (
                content.startswith(b"RIFF") and content[8:12] == b"WEBP"
            )
        case "video":
            return content[4:8] == b"ftyp"
        case "voice":
            silk = content.startswith((b"\x02#!SILK_V3", b"#!SILK_V3"))
            mp3 = content.startswith(b"ID3") or content[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
            wav = content.startswith(b"RIFF") and content[8:12] == b"WAVE"
            return silk or (not silk_only and (mp3 or wav or content.startswith(b"OggS")))
        case _:
            return bool(content)
