"""Upload: how far one media item is on its way to QQ's ``file_info``. Pure; only the machine changes it.

URL ---refused---> FETCH ---> DATA ---refused---> PARTS ---> file_info
 |                              |                   |
 `---> file_info                `---> file_info     prepare -> (part -> finish) for each -> merge
                                                       ^----------- anew, twice -----------'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapter.frames import Frame, FrameKind
from adapter.parts import Part, Prepared, read_prepared
from adapter.pieces import MediaItem
from adapter.policy import Policy
from adapter.ways import Way, size_of, ways_of

_DOUBLINGS = 4
"""The wait before a part's next try doubles so often."""


@dataclass(slots=True)
class Upload:
    ways: tuple[Way, ...]
    """Those that are left, the present one first; never empty."""
    size: int
    """Bytes; 0 where only the address is known."""
    fresh_prepares: int
    """How often the parts may still begin anew."""
    prepared: Prepared | None = None
    done: int = 0
    """Parts that QQ has finished."""
    put: Part | None = None
    """The part after those, once its bytes are out: with its MD5."""
    failures: int = 0
    """Of that part, in a row."""
    retry_until: float | None = None
    """Machine time (seconds) until which that part may be tried again; None while it has not failed."""
    merge_in_doubt: bool = False
    """The merge may have taken effect: then QQ does not know the upload any more."""

    @classmethod
    def of(cls, item: MediaItem, policy: Policy) -> Upload | None:
        """Where the item begins; None where there is nothing to upload."""
        ways = ways_of(item, policy.direct_limit)
        return cls(ways, size_of(item) or 0, policy.fresh_prepares) if ways else None

    @property
    def way(self) -> Way:
        return self.ways[0]

    @property
    def part(self) -> Part | None:
        """The part that is to be brought to QQ or finished next."""
        if self.prepared is None or self.done >= len(self.prepared.parts):
            return None
        return self.put or self.prepared.parts[self.done]

    @property
    def next_kind(self) -> FrameKind:
        """What is to be sent next."""
        if self.way is Way.FETCH:
            return FrameKind.FETCH
        if self.way is not Way.PARTS:
            return FrameKind.UPLOAD
        if self.prepared is None:
            return FrameKind.PREPARE
        if self.part is None:
            return FrameKind.UPLOAD
        return FrameKind.FINISH if self.put is not None else FrameKind.PART

    def progress(self) -> dict[str, Any]:
        """For the record and the page: ``sent`` of ``bytes`` are with QQ, ``done`` of ``parts`` (0: in one go)."""
        parts = self.prepared.parts if self.prepared is not None else ()
        sent = parts[self.done].offset if self.done < len(parts) else self.size if parts else 0
        return {"way": self.way.value, "parts": len(parts), "done": self.done, "bytes": self.size, "sent": sent}

    # ---- what answers change ------------------------------------------------------------------------------------

    def take_prepared(self, data: Mapping[str, Any]) -> Prepared | str:
        """The plan QQ gave, or words about why it is none."""
        prepared = read_prepared(data, self.size)
        if isinstance(prepared, Prepared) and prepared.parts:
            self.prepared = prepared
        return prepared

    def take_part(self, frame: Frame, md5: str) -> None:
        """The part's bytes are out."""
        if self._concerns(frame) and frame.part is not None:
            self.put = replace(frame.part, md5=md5)

    def take_finish(self, frame: Frame) -> None:
        """QQ has the part."""
        if self._concerns(frame):
            self.done += 1
            self.put = None
            self.failures = 0
            self.retry_until = None

    def _concerns(self, frame: Frame) -> bool:
        """Not so for a frame of a process before: its upload is not gone on with."""
        mine, theirs = self.part, frame.part
        return mine is not None and theirs is not None and mine.index == theirs.index and self._is_upload(frame)

    def _is_upload(self, frame: Frame) -> bool:
        return self.prepared is not None and self.prepared.upload_id == frame.upload_id

    def part_failed(self, now: float, most: int, *, put_again: bool) -> float | None:
        """Seconds to wait before the part is tried again; None: not any more. ``most``: tries, however much time."""
        if self.prepared is None:
            return 0.0
        self.failures += 1
        if self.retry_until is None:
            self.retry_until = now + self.prepared.retry_timeout
        wait: float = self.prepared.retry_delay * 2 ** min(self.failures - 1, _DOUBLINGS)
        if self.failures >= most or now + wait > self.retry_until:
            return None
        if put_again:
            self.put = None
        return wait

    def begin_anew(self) -> bool:
        """Forget the parts, for a fresh prepare; False: it was done often enough."""
        if self.prepared is not None and not self.fresh_prepares:
            return False
        self.fresh_prepares -= self.prepared is not None
        self.prepared, self.put, self.retry_until = None, None, None
        self.done = self.failures = 0
        self.merge_in_doubt = False
        return True

    def begin_anew_once(self) -> bool:
        """The same, and never again, where a merge was in doubt to the last; False: there was none, or no more."""
        if not self.merge_in_doubt:
            return False
        self.fresh_prepares = min(self.fresh_prepares, 1)
        return self.begin_anew()

    def next_way(self) -> bool:
        """Go over to the next way; False: this was the last."""
        if len(self.ways) < 2:
            return False
        self.ways = self.ways[1:]
        return True
