"""The same text in another form, where QQ refuses it as it is: with a newline, as plain text, without addresses.

Mixed into ``StreamMachine`` only.
"""

from __future__ import annotations

from adapter.answers import Answer
from adapter.boundaries import neutralise_addresses
from adapter.frames import Frame, FrameKind
from adapter.outcomes import Outcomes
from adapter.segment import Segment


class Forms(Outcomes):
    def _on_newline(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        # In a cumulative stream a newline in the middle could never be taken back by the next frame.
        grows = self._cumulative and frame.kind in (FrameKind.OPENING, FrameKind.MIDDLE)
        # It is asked of markdown alone (40034017): of a stream that ends as text it cannot be had.
        if frame.wire_text.endswith("\n") or grows or segment.turned_plain:
            self._last_resort(segment, frame, now)
            return
        self._newline = frame.end
        self._why = "newline"
        self._wait(now, 0.0)

    def _on_plain_text(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if not frame.markdown:
            self._last_resort(segment, frame, now)
            return
        self._remember_markdown(segment)
        self._why = "plain"
        self._wait(now, 0.0)

    def _on_neutralise(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if segment.neutralised:
            self._on_fail(segment, frame, answer, now)
            return
        segment.neutralised = True
        segment.text = neutralise_addresses(segment.text)
        segment.opens_with = neutralise_addresses(segment.opens_with)
        self._why = "neutralised"
        self._wait(now, 0.0)
