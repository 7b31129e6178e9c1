"""How the machine takes the steps that are particular to media. Mixed into ``StreamMachine`` only.

How far an upload is, and what it may still try, is the segment's own ``Upload``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adapter.answers import Answer, Refused, Throttled, Unknown
from adapter.codes import Reaction, meaning, react
from adapter.frames import UPLOAD_KINDS, Frame, FrameKind
from adapter.pieces import MediaItem, MediaOutcome
from adapter.rolling import Rolling
from adapter.segment import Segment, SegmentKind, SegmentStatus
from adapter.uploading import Upload
from adapter.verdicts import Verdict
from adapter.ways import Way


class MediaOutcomes(Rolling):
    last_media: MediaOutcome | None = None
    """What became of the last media item, for the source that asked for it."""
    _fetched: MediaItem | None = None

    def fetched(self, item: MediaItem) -> None:
        """What the fetch in flight brought; its answer comes next."""
        self._fetched = item

    def _begin_media(self, segment: Segment, item: MediaItem | None) -> None:
        segment.kind = SegmentKind.MEDIA
        segment.media = item
        if item is not None:
            segment.file_info = segment.file_info or item.file_info
            segment.upload = Upload.of(item, self.policy) if self.policy.uploads else None

    def _is_gone(self, segment: Segment) -> bool:
        """Whether there is nothing to upload: bytes are not kept in the record."""
        return self.policy.uploads and not segment.file_info and segment.upload is None

    def _tries_of(self, frame: Frame, reaction: Reaction) -> int:
        another = frame.kind is FrameKind.UPLOAD and frame.way is not Way.PARTS
        if frame.kind is FrameKind.FETCH or (another and reaction is Reaction.UNKNOWN):
            return self.policy.way_tries
        return self.policy.tries

    def _take_answer(self, frame: Frame, answer: Answer, now: float) -> Verdict:
        if frame.kind in UPLOAD_KINDS or frame.kind is FrameKind.MEDIA:
            self._segment.why = _why_not(answer)
            self._segment.code = None
        return super()._take_answer(frame, answer, now)

    def _tell(self, segment: Segment, why: str) -> None:
        sent = segment.status in (SegmentStatus.DELIVERED, SegmentStatus.IN_REVIEW)
        segment.why = "" if sent else why or segment.why
        self.last_media = MediaOutcome(sent, segment.why, segment.code)

    # ---- a step of the upload is done -----------------------------------------------------------------------------

    def _uploaded(self, segment: Segment, frame: Frame, data: Mapping[str, Any]) -> None:
        upload = segment.upload
        if frame.kind is FrameKind.FETCH:
            self._take_fetched(segment)
        elif frame.kind is FrameKind.UPLOAD:
            told = data.get("file_info")
            segment.file_info = told if isinstance(told, str) else ""
            if not segment.file_info:
                self._finish(segment, SegmentStatus.FAILED, "QQ gave no file_info for the upload")
        elif upload is None:
            return
        elif frame.kind is FrameKind.PREPARE:
            prepared = upload.take_prepared(data)
            if isinstance(prepared, str):
                self._finish(segment, SegmentStatus.FAILED, prepared)
            else:
                segment.file_info = prepared.file_info
        elif frame.kind is FrameKind.PART:
            upload.take_part(frame, str(data.get("md5") or ""))
        else:
            upload.take_finish(frame)

    def _take_fetched(self, segment: Segment) -> None:
        item, self._fetched = self._fetched, None
        if item is not None:
            self._begin_media(segment, item)
        if not segment.file_info and (item is None or segment.upload is None or not segment.upload.size):
            self._finish(segment, SegmentStatus.FAILED, "nothing was found at its address")

    # ---- it is not done, and what is tried next -------------------------------------------------------------------

    def _on_next_way(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        upload, reaction = segment.upload, react(answer)
        temporary = reaction is Reaction.RETRY
        nobody_answered = temporary and answer.exchange.http_status is None
        # QQ's own word on the size is about the file; a bare 413 is only about this request.
        too_large = reaction is Reaction.LENGTH and isinstance(answer, Refused) and answer.code is not None
        if not nobody_answered and not too_large and upload is not None and upload.next_way():
            self._go_on_with(upload.way.value, now)
        elif temporary and self._tries < self.policy.tries:
            self._on_again(segment, frame, answer, now)
        elif upload is not None and upload.merge_in_doubt and not temporary:
            # The merge before this one may have been made: then QQ has forgotten the upload.
            self._on_anew(segment, frame, answer, now)
        else:
            self._on_fail(segment, frame, answer, now)

    def _on_again(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        merge = frame.kind is FrameKind.UPLOAD and frame.way is Way.PARTS
        if merge and segment.upload is not None and react(answer) is Reaction.UNKNOWN:
            segment.upload.merge_in_doubt = True
        super()._on_again(segment, frame, answer, now)

    def _upload_exhausted(self, segment: Segment) -> None:
        upload = segment.upload
        if upload is not None and upload.next_way():
            self._go_on_with(upload.way.value, self._last_answer)
        elif upload is not None and upload.begin_anew_once():
            # A merge that was made is not made again, whatever QQ says instead; a fresh one shows nothing to anyone.
            self._go_on_with("anew", self._last_answer)
        else:
            self._finish(segment, SegmentStatus.FAILED)

    def _on_part_again(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._try_part(segment, frame, answer, now, put_again=False)

    def _on_put_again(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        # Without an HTTP answer it was not QQ that missed the part.
        self._try_part(segment, frame, answer, now, put_again=answer.exchange.http_status is not None)

    def _try_part(self, segment: Segment, frame: Frame, answer: Answer, now: float, *, put_again: bool) -> None:
        upload = segment.upload
        wait = upload.part_failed(now, self.policy.part_tries, put_again=put_again) if upload is not None else 0.0
        if wait is None:
            self._on_anew(segment, frame, answer, now)
            return
        self._why = "again"
        asked = answer.after if isinstance(answer, Throttled) else None
        self._wait(now, wait * self._jitter() if asked is None else asked)

    def _on_anew(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        # A permanent no without an HTTP answer is our own: the address, or the file, will not do next time either.
        ours = isinstance(answer, Refused) and answer.permanent and answer.exchange.http_status is None
        if ours or segment.upload is None or not segment.upload.begin_anew():
            self._on_fail(segment, frame, answer, now)
        else:
            self._go_on_with("anew", now)

    def _on_forget(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        item, forgotten = segment.media, segment.forgotten
        segment.forgotten = True
        segment.file_info = ""
        if item is not None:
            self._begin_media(segment, replace(item, file_info=""))
        if forgotten or segment.upload is None:
            self._on_fail(segment, frame, answer, now)
        else:
            self._go_on_with("anew", now)

    def _on_unreferenced(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if frame.kind is not FrameKind.MEDIA or frame.reference is None or not self.policy.uploads:
            super()._on_unreferenced(segment, frame, answer, now)
            return
        # It says nothing of the text's msg_id: QQ refuses one with media that it takes with text (sheet 0.1 fact 8).
        segment.proactive, segment.unanswered = True, "closed"
        self._go_on_with("proactive", now)

    def _go_on_with(self, why: str, now: float) -> None:
        self._tries = 0
        self._why = why
        self._wait(now, 0.0)


def _why_not(answer: Answer) -> str:
    """Why a step was not taken, in plain English: by QQ's code, or in our own words where QQ said nothing."""
    if isinstance(answer, Refused | Throttled) and answer.code:
        return meaning(answer.code, "en")
    if isinstance(answer, Unknown) and answer.exchange.http_status is not None:
        return answer.exchange.message or f"QQ answered HTTP {answer.exchange.http_status} without saying more"
    return answer.exchange.message or "QQ refused it without a reason"
