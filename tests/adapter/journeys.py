"""One reply's journey from source to strict QQ, without a loop: a timetable and a list of faults drive the machine.

Every visible character of a journey's text is another one, so that what the user sees tells at once what was lost,
repeated or out of order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from strict_qq import FINE, Fault, StrictQQ

from adapter import lint
from adapter.answers import Unknown
from adapter.boundaries import is_blank
from adapter.codes import Reaction, known, react
from adapter.content import BytesContent
from adapter.dialects import DIALECTS
from adapter.frames import UPLOAD_KINDS, Frame, FrameKind, Pair
from adapter.moves import Done, NeedAnswer, NeedInput, Send, Wait
from adapter.passive import Use, may_use, use_of
from adapter.pieces import MediaItem, MediaKind
from adapter.policy import DeadReference, Policy
from adapter.restoring import opens_behind, restore
from adapter.segment import Segment, SegmentStatus
from adapter.sender import request_for
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from adapter.verdicts import Outcome, Verdict

NOTICE = "(no answer)"
MOST_FRAMES = 400
DIRECT = 20
"""Bytes that go inline."""
LONGEST = 3_000.0
STREAM = (FrameKind.OPENING, FrameKind.MIDDLE, FrameKind.CLOSING)


@dataclass(frozen=True)
class Act:
    """What the source (or the operator) does, ``after`` seconds after the act before."""

    after: float
    what: str
    """text · break · media · end · fail · cancel"""
    shape: str = ""
    """Of a text: 字 stands for a character that occurs only once, F for the line of a fence."""


@dataclass(frozen=True)
class Journey:
    road: str
    """stream_messages · messages.stream · group · guild · dm"""
    acts: tuple[Act, ...]
    faults: tuple[Fault, ...] = ()
    latency: float = 0.05
    patience: float = 5.0
    """Seconds until an answer that never comes is given up."""
    open_after: int = 3
    window: float | None = None
    frame_bytes: int | None = None
    message_bytes: int = 18_000
    answers: int | None = None
    """Messages that QQ lets answer the one message."""
    on_dead_reference: DeadReference = DeadReference.PROACTIVE
    media_passive: bool = False
    media_bytes: int = 0
    """Size of each media item; 0: only its address is known."""
    notice: bool = True
    cut_at: tuple[int, str] | None = None
    """The process ends at this request: "before" it leaves, "after" it left, or "settled" once it was answered."""


@dataclass
class Kept:
    """One recorded frame."""

    frame: Frame
    segment: Segment
    seq: int | None
    sent_at: float
    answered_at: float | None = None
    verdict: Verdict | None = None
    reaction: Reaction | None = None


@dataclass
class Travel:
    journey: Journey
    qq: StrictQQ = field(default_factory=StrictQQ)
    kept: list[Kept] = field(default_factory=list)
    rows: dict[int, Segment] = field(default_factory=dict)
    """The segments as their rows tell them: written with each intent and each answer."""
    generated: str = ""
    """All of it in order, captions of media included."""
    written: str = ""
    """What the record keeps of it: the text alone."""
    now: float = 0.0
    outcome: Outcome | None = None
    cancelled_at: int | None = None
    """How many characters had been tried when it was cancelled."""

    def __post_init__(self) -> None:
        journey = self.journey
        streams = journey.road in DIALECTS
        scene = Scene.C2C if streams else Scene(journey.road)
        guild = scene in (Scene.GUILD, Scene.DM)
        self.target = Target(scene, "T1")
        self.policy = Policy(
            dialect=DIALECTS.get(journey.road),
            reference="inbound-1",
            reference_until=journey.window,
            open_after=journey.open_after,
            on_dead_reference=journey.on_dead_reference,
            media_passive=journey.media_passive,
            direct_limit=DIRECT,
            notice=NOTICE if journey.notice else "",
            frame_bytes=journey.frame_bytes,
            message_bytes=journey.message_bytes,
            smallest_bytes=6,
            markdown=not guild,
            pairs=not guild,
            uploads=not guild,
        )
        self.qq.window_until = journey.window
        self.qq.frame_bytes, self.qq.message_bytes = journey.frame_bytes, journey.message_bytes
        self.qq.most_answers = journey.answers if self.policy.pairs else None
        self._granted: set[int] = set()
        self.machine = StreamMachine(self.policy)
        self._faults = list(journey.faults)
        self._due = [act.after for act in journey.acts]
        for place in range(1, len(self._due)):
            self._due[place] += self._due[place - 1]
        self._next_act = 0
        self._seq = 0
        self._last_seq: int | None = None
        self._segment_seq: dict[int, int | None] = {}
        self._letters = 0
        self.earlier: dict[int, Segment] = {}

    # ---- the journey -----------------------------------------------------------------------------------------------

    def go(self) -> Travel:
        """Until the machine is done (or the process ends where the journey says so). Asserts as it goes."""
        while True:
            assert len(self.kept) <= MOST_FRAMES, "too many frames"
            assert self.now <= LONGEST, "too long"
            self._act_until(self.now)
            move = self.machine.next(self.now)
            for segment in self.machine.ended_unanswered:
                self._write_row(segment)
            self.machine.ended_unanswered.clear()
            if isinstance(move, Done):
                self.outcome = move.outcome
                return self
            if isinstance(move, Send):
                if self._post(move.frame):
                    return self._start_again()
            elif isinstance(move, Wait):
                assert move.until > self.now, "a wait for the past"
                self.now = min(move.until, self._next_due())
            else:
                assert isinstance(move, NeedInput)
                assert move.until is None or move.until > self.now, "a wait for the past"
                self._check_settled()
                wake = min(self._next_due(), float("inf") if move.until is None else move.until)
                assert wake < float("inf"), "nothing would ever wake it again"
                self.now = wake

    def _next_due(self) -> float:
        return self._due[self._next_act] if self._next_act < len(self._due) else float("inf")

    def _act_until(self, now: float) -> None:
        while self._next_act < len(self._due) and self._due[self._next_act] <= now:
            self._act(self.journey.acts[self._next_act])
            self._next_act += 1

    def _act(self, act: Act) -> None:
        machine = self.machine
        taking = not machine.ended
        if act.what == "text":
            words = self._words(act.shape)
            machine.text(words)
            self.generated += words if taking else ""
            self.written += words if taking else ""
        elif act.what == "break":
            machine.break_()
        elif act.what == "media":
            caption = self._words("字")
            machine.media(self._item(caption))
            self.generated += caption if taking else ""
        elif act.what == "end":
            machine.end()
        elif act.what == "fail":
            machine.fail("model_cut")
        elif act.what == "cancel":
            if self.cancelled_at is None:
                self.cancelled_at = len(self.kept)
            machine.cancel()

    def _item(self, caption: str) -> MediaItem:
        size = self.journey.media_bytes if self.policy.uploads else 0
        if not size:
            return MediaItem(MediaKind.IMAGE, url="https://example.org/a.png", caption=caption)
        return MediaItem(MediaKind.IMAGE, content=BytesContent(b"x" * size), caption=caption)

    def _words(self, shape: str) -> str:
        made = []
        for letter in shape:
            if letter == "字":
                self._letters += 1
                letter = chr(0x4E00 + self._letters)
            letter = "\n```\n" if letter == "F" else letter
            made.append(letter)
        return "".join(made)

    def _post(self, frame: Frame) -> bool:
        """Send one frame; True: the process ended on the way."""
        segment = self.machine.segments[frame.segment]
        dialect = self.policy.dialect
        lint.check(frame, segment, dialect)
        self._check_frame(frame, segment)
        if not self._grants(frame):
            self.machine.denied("none_left")
            return False
        seq = self._allot(frame)
        kept = Kept(frame, segment, seq, self.now)
        self.kept.append(kept)
        self._write_row(segment)
        cut = self.journey.cut_at
        here = cut is not None and cut[0] == len(self.kept)
        if here and cut is not None and cut[1] == "before":
            return True
        fault = self._fault(frame)
        request = request_for(self.policy, frame, self.target, seq)
        answer = self.qq.post(request, self.now, fault)
        if here and cut is not None and cut[1] == "after":
            return True
        takes = self.journey.patience if isinstance(answer, Unknown) else self.journey.latency
        self._meanwhile(takes)
        kept.answered_at = self.now
        if frame.kind is FrameKind.FETCH and frame.media is not None:
            self.machine.fetched(replace(frame.media, content=BytesContent(b"x" * (DIRECT + 1)), url=None))
        kept.verdict = self.machine.answer(answer, self.now)
        kept.reaction = react(answer)
        self._write_row(segment)
        return here

    def _meanwhile(self, takes: float) -> None:
        until = self.now + takes
        while self._next_due() <= until:
            self.now = max(self.now, self._next_due())
            self._act_until(self.now)
            assert isinstance(self.machine.next(self.now), NeedAnswer), "two frames in flight"
        assert isinstance(self.machine.next(self.now), NeedAnswer), "two frames in flight"
        self.now = until

    def _fault(self, frame: Frame) -> Fault:
        fault = self._faults.pop(0) if self._faults else FINE
        entry = known(fault.code)
        foreign = entry is not None and entry.reaction is Reaction.DUPLICATE
        # A pair that somebody else took is found out at its first use.
        return FINE if foreign and frame.pair is not Pair.NEW else fault

    def _grants(self, frame: Frame) -> bool:
        """Whether the ledger has an answer left for the frame's segment; it is then used."""
        use = use_of(frame.kind)
        if use is None or frame.pair is not Pair.NEW or frame.segment in self._granted:
            return True
        most = self.journey.answers
        if not may_use(use, len(self._granted), most):
            return False
        self._granted.add(frame.segment)
        assert most is None or use is not Use.MEDIA or len(self._granted) < most, "media takes the last answer"
        return True

    def _allot(self, frame: Frame) -> int | None:
        """As the ledger does."""
        if frame.pair is Pair.NONE:
            return None
        if frame.pair is Pair.SEGMENT:
            self._last_seq = self._segment_seq[frame.segment]
        elif frame.pair is Pair.NEW:
            self._seq += 1
            self._last_seq = self._seq
            if frame.kind is FrameKind.OPENING:
                self._segment_seq[frame.segment] = self._seq
        return self._last_seq

    # ---- a process that ends in between ---------------------------------------------------------------------------

    def _write_row(self, segment: Segment) -> None:
        self.rows[segment.number] = Segment(
            segment.number,
            markdown=False,
            kind=segment.kind,
            purpose=segment.purpose,
            status=segment.status,
            text=segment.text,
            opens_with=segment.opens_with,
            closes_with=segment.closes_with,
            full=segment.full,
            accepted=segment.accepted,
            message_id=segment.message_id,
            media=segment.media,
        )

    def _start_again(self) -> Travel:
        """What the next process does with the rows: settle the frame in doubt, close what is open, say so."""
        self.now += 2.0
        row = self.rows[max(self.rows)]
        earlier = [one for one in self.rows.values() if one is not row or row.status is not SegmentStatus.OPEN]
        restored = None
        if row.status is SegmentStatus.OPEN:
            mine = [kept for kept in self.kept if kept.frame.segment == row.number]
            restored = restore(row, [(kept.frame, kept.verdict) for kept in mine])
            for kept in self.kept:
                kept.segment = row if kept.frame.segment == row.number else kept.segment
        else:
            row.markdown = any(kept.frame.markdown for kept in self.kept[-1:] if kept.frame.segment == row.number)
        self.machine = StreamMachine(
            self.policy,
            restored=restored,
            earlier_segments=len(self.rows),
            shown_before=any(one.shown for one in earlier),
            opens_with="" if restored is not None else opens_behind(row, self.policy),
        )
        self.earlier = {one.number: one for one in earlier}
        if restored is not None and restored.in_flight is not None:
            verdict = self.machine.answer(Unknown("crash"), self.now)
            self.kept[-1].verdict = verdict
            self.kept[-1].answered_at = self.now
        self.machine.text(self._unsent())
        self.machine.fail("interrupted")
        self._next_act = len(self._due)
        self.journey = Journey(**{**vars(self.journey), "cut_at": None})
        return self.go()

    def _unsent(self) -> str:
        """Generated and stored, and in no segment yet."""
        rest = self.written
        for row in sorted(self.rows.values(), key=lambda one: one.number):
            if row.purpose != "notice" and row.media is None:
                rest = rest if rest.startswith(row.text) else rest.lstrip()
                if not rest.startswith(row.text):
                    return ""
                rest = rest[len(row.text) :]
        return rest

    # ---- what must hold on the way ----------------------------------------------------------------------------------

    def _check_frame(self, frame: Frame, segment: Segment) -> None:
        policy, stream = self.policy, [kept for kept in self.kept if kept.frame.kind in STREAM]
        if frame.kind in STREAM and self.kept and self.kept[-1].frame.kind in STREAM:
            answered = self.kept[-1].answered_at
            assert answered is not None
            assert self.now >= answered + policy.closing_gap - 1e-6, "faster than QQ's 300 ms"
        if frame.kind is FrameKind.MIDDLE and frame.why != "repeat" and stream:
            assert self.now >= stream[-1].sent_at + policy.interval - 1e-6, "faster than the interval"
        if frame.kind in (FrameKind.OPENING, FrameKind.PLAIN, FrameKind.MEDIA):
            late = policy.reference_until is not None and self.now >= policy.reference_until
            assert not (frame.reference and late), "an expired msg_id"
        if frame.kind is FrameKind.MEDIA and policy.uploads:
            assert frame.file_info, "media before its upload"
            assert policy.media_passive or frame.reference is None, "proactive media with a msg_id"
        if frame.kind not in UPLOAD_KINDS:
            # A blank of a whole frame's length goes alone.
            whole = frame.kind in (FrameKind.CLOSING, FrameKind.MEDIA) or policy.frame_bytes is not None
            assert whole or not is_blank(frame.wire_text)

    def _check_settled(self) -> None:
        if self.machine.settled and not self.machine._whole:
            opened = [one for one in self.machine.segments.values() if one.status is SegmentStatus.OPEN]
            assert not opened, "settled with an open segment"
