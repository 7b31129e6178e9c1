"""HintRecorder: the record of one attempt's typing hints, written by the engine's writer (``adapter.typing_hints``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from adapter.answers import Answer
from adapter.codes import react
from adapter.passive import Denied, Use
from adapter.request import Request
from adapter.verdicts import verdict_on
from qqconsole.deliveries.ledger import Address, grant
from qqconsole.deliveries.models import Attempt, Delivery, TypingHint
from qqconsole.engine.batch import Batch
from qqconsole.engine.writer import GroupWriter, Job


class HintRecorder:
    def __init__(
        self, writer: GroupWriter, delivery: Delivery, attempt: Attempt, address: Address, msg_id: str
    ) -> None:
        self._writer, self._attempt, self._address, self._msg_id = writer, attempt, address, msg_id
        self._delivery_id, self._fence = delivery.pk, delivery.fence

    async def intend(self, seconds: int, build: Callable[[int], Request]) -> tuple[Request, object] | Denied:
        """Raises FenceLost when the delivery is another's by now."""

        def run(batch: Batch) -> tuple[Request, object] | Denied:
            granted = grant(self._address, self._msg_id, Use.TYPING)
            if isinstance(granted, Denied):
                return granted
            hint = TypingHint(
                attempt=self._attempt,
                msg_id=self._msg_id,
                msg_seq=granted.msg_seq,
                seconds=seconds,
                sent_at=timezone.now(),
            )
            batch.create(hint)
            return build(granted.msg_seq), hint

        return await self._writer.submit(Job(run, self._delivery_id, self._fence))

    def settle(self, ticket: object, answer: Answer) -> None:
        assert isinstance(ticket, TypingHint)
        exchange = answer.exchange
        values: dict[str, Any] = {
            "status": verdict_on(answer, react(answer), in_doubt=False).value,
            "http_status": exchange.http_status,
            "code": exchange.code if exchange.code is not None else exchange.err_code,
            "message": exchange.message,
            "trace_id": exchange.trace_id[:128],
            "answered_at": timezone.now(),
        }

        def run(batch: Batch) -> None:
            for name, value in values.items():
                setattr(ticket, name, value)
            batch.update(ticket, values)

        written = self._writer.submit(Job(run, self._delivery_id, self._fence))
        # Nobody waits for it; a lost fence is the reply's own news.
        written.add_done_callback(lambda future: future.cancelled() or future.exception())
