"""From rows to a ``ReplyRequest``: the message to answer, and what was said before it in its session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from adapter.pieces import SourceFailed
from adapter.storable import storable
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage, Scene, Session
from qqconsole.deliveries.models import Delivery, Kind, Segment, Status
from qqconsole.replies.request import ReplyRequest, Turn

SHARED_SCENES = (Scene.GROUP, Scene.GUILD)
"""Several people speak in them, so that a history without names would be one muddled voice."""
MEDIA_SCENES = (Scene.C2C, Scene.GROUP)
UNANSWERED = "[no answer was delivered]"
"""Stands for an answer nobody saw: many models refuse a history in which the user speaks twice in a row."""

WORDLESS = "[answered without words]"
"""Stands for an answer that was media alone."""

_AS_GENERATED = (Status.DELIVERED, Status.IN_REVIEW, Status.UNKNOWN)
"""The user has (or may have) all of it; of any other answer, what QQ accepted is what was said."""


def reply_request(delivery: Delivery) -> ReplyRequest:
    """Return what the bot's reply source is asked for this delivery: three queries beside its own relations.

    Raises SourceFailed("message_gone") where the message it answers is no longer stored.
    """
    inbound = delivery.inbound
    if inbound is None:
        raise SourceFailed("message_gone", "the message this reply answers is no longer stored")
    session = delivery.session
    bot = session.bot
    return ReplyRequest(
        source=bot.source,
        url=bot.source_url,
        model=bot.source_model,
        key=bot.source_key,
        system_prompt=bot.system_prompt,
        turns=tuple(_turns(bot, session, inbound)),
        user_text=inbound.content,
        attachments=tuple(in_words(inbound.attachments)),
        silence_timeout=bot.model_silence_timeout,
        media_allowed=session.scene in MEDIA_SCENES,
        allow_private=bot.allow_private_urls,
    )


def in_words(attachments: Any) -> list[str]:
    """Return each attachment of an inbound message (sheet 2.6) as one line with its address."""
    return [_described(one) for one in attachments or [] if isinstance(one, Mapping)]


def _described(attachment: Mapping[str, Any]) -> str:
    facts = [str(attachment.get("content_type") or "file")]
    if attachment.get("filename"):
        facts.append(f'"{attachment["filename"]}"')
    words = f"[attachment: {' '.join(facts)} {attachment.get('url') or '(no address)'}"
    heard = attachment.get("asr_refer_text")
    return storable(f'{words} recognised as: "{heard}"]' if heard else f"{words}]")


def _turns(bot: Bot, session: Session, current: InboundMessage) -> list[Turn]:
    asked = _earlier(session, current, most=bot.history_turns)
    if not asked:
        return []
    answers = {
        reply.inbound_id: reply
        for reply in Delivery.objects.filter(inbound__in=asked, kind=Kind.REPLY).only(
            "inbound_id", "status", "generated_text"
        )
    }
    accepted = _accepted([reply for reply in answers.values() if reply.status not in _AS_GENERATED])
    turns: list[Turn] = []
    for message in _once(asked, answers)[-bot.history_turns :]:
        answer = answers.get(message.pk)
        if answer is not None and answer.status in _AS_GENERATED:
            said = answer.generated_text if answer.generated_text.strip() else WORDLESS
        else:
            said = (answer and accepted.get(answer.pk)) or UNANSWERED
        turns.append(Turn("user", _as_said(message, session)))
        turns.append(Turn("assistant", said))
    return turns


def _earlier(session: Session, current: InboundMessage, *, most: int) -> list[InboundMessage]:
    """Return the addressed messages before ``current``, oldest first: up to two rows a turn (see ``_once``)."""
    if not most:
        return []
    messages = InboundMessage.objects.filter(session=session, addressed=True, pk__lt=current.pk)
    if current.twin:
        messages = messages.exclude(twin=current.twin)
    newest = messages.only("content", "attachments", "author_id", "author_name", "twin").order_by("-pk")
    return list(newest[: 2 * most])[::-1]


def _once(asked: Sequence[InboundMessage], answers: Mapping[int | None, Delivery]) -> list[InboundMessage]:
    """Return the messages with only one row of those QQ pushed as two events: the one that was answered."""
    kept: dict[str, InboundMessage] = {}
    for message in asked:
        name = message.twin or f"#{message.pk}"
        if name not in kept or message.pk in answers:
            kept[name] = message
    return list(kept.values())


def _accepted(replies: Sequence[Delivery]) -> dict[int, str]:
    """Return, by delivery, the text QQ has of its last attempt; notices are not the bot's words."""
    if not replies:
        return {}
    segments = Segment.objects.filter(attempt__delivery__in=replies).exclude(purpose="notice")
    attempts: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for delivery, attempt, text, length in segments.order_by("number").values_list(
        "attempt__delivery_id", "attempt__number", "text", "accepted_length"
    ):
        attempts[delivery][attempt].append(text[:length])
    return {
        delivery: "\n".join(part.strip("\n") for part in by_number[max(by_number)] if part.strip())
        for delivery, by_number in attempts.items()
    }


def _as_said(message: InboundMessage, session: Session) -> str:
    words = "\n\n".join(part for part in (message.content, "\n".join(in_words(message.attachments))) if part)
    if session.scene not in SHARED_SCENES:
        return words
    name = message.author_name or message.author_id[:8]
    return f"{name}: {words}" if name else words
