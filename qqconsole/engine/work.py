"""What one claimed attempt has to send, read from the rows before its first frame."""

from __future__ import annotations

from dataclasses import dataclass

from adapter.judging import judge
from adapter.pieces import Source, SourceFailed
from adapter.segment import Barrier, BarrierKind, Segment
from adapter.verdicts import Outcome, OutcomeStatus
from qqconsole.deliveries import tails
from qqconsole.deliveries.interrupted import Interrupted, read_interrupted
from qqconsole.deliveries.missing import missing_pieces
from qqconsole.deliveries.models import Kind, Mode
from qqconsole.deliveries.repeating import Repeat, read_repeat
from qqconsole.engine.claims import Claim
from qqconsole.replies.given import Given
from qqconsole.replies.history import reply_request
from qqconsole.replies.request import ReplyRequest
from qqconsole.replies.sources import open_source


@dataclass(frozen=True, slots=True)
class Work:
    question: ReplyRequest | Given | SourceFailed | None = None
    interrupted: Interrupted | None = None
    """What another owner left of this very attempt."""
    repeat: Repeat | None = None
    generates: bool = True
    """Whether a model writes it now; else its text is in the delivery's row already."""

    def source(self) -> Source | None:
        """The source of its pieces; None: the machine has them already. Raises SourceFailed."""
        if isinstance(self.question, SourceFailed):
            raise self.question
        if isinstance(self.question, Given):
            return self.question.source()
        return None if self.question is None else open_source(self.question)

    def outcome(self, told: Outcome, segments: dict[int, Segment]) -> Outcome:
        """What became of the attempt, where ``told`` is the machine's word on the ``segments`` it had itself."""
        if told.status is OutcomeStatus.DELIVERED and isinstance(self.question, Given) and self.question.refusal:
            # Refused before anything of it could be recorded; what stood beside it arrived.
            return Outcome(OutcomeStatus.FAILED, "media_unfit", None, self.question.refusal)
        ended_before = self.interrupted is not None and (not self.generates or self.interrupted.whole)
        if self.interrupted is not None and ended_before and told.reason in ("", "empty_reply"):
            # Nothing but what was left open went through the machine: the rest had its end before.
            whole = [*self.interrupted.ended, *segments.values()]
            return judge(whole, Barrier(BarrierKind.END), shown_before=False)
        return told


def read_work(claim: Claim) -> Work:
    """What the attempt needs from the database (a handful of queries)."""
    delivery, attempt = claim.delivery, claim.attempt
    given = delivery.kind != Kind.REPLY or attempt.mode != Mode.FIRST
    if claim.recovered:
        generates = not given or tails.being_written(delivery.pk)
        interrupted = read_interrupted(delivery, attempt.pk, generated=generates)
        if not interrupted.untouched:
            return Work(interrupted=interrupted, generates=generates)
    try:
        if attempt.mode == Mode.REPEAT:
            repeat = read_repeat(delivery)
            if repeat is None:
                raise SourceFailed("no_repeat")
            return Work(repeat=repeat, generates=False)
        pieces = missing_pieces(delivery) if given else []
        if pieces:
            return Work(Given(pieces), generates=False)
        if delivery.kind != Kind.REPLY:
            raise SourceFailed("nothing_missing")
        return Work(reply_request(delivery))
    except SourceFailed as failure:
        return Work(failure)
