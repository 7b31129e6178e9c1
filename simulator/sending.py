"""What every accepted message has in common: whom it answers, its bubble, its answer (sheet 3.3, 3.4, 8.3)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from simulator.call import Call
from simulator.codes import Refusal
from simulator.ledger import Inbound
from simulator.platform import message_id, reference_id
from simulator.truth import Bubble

URL = re.compile(r"https?://\S+", re.IGNORECASE)
# QQ takes whatever looks like a host name for an address, file names like install.sh and README.md too (sheet 3.2)
HOST = re.compile(
    r"(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|dev|ai|app|top|xyz|me|cc|tv|sh|md|py|rs)(?![\w.-]*\w)",
    re.IGNORECASE,
)


def refuse_group_on_user_path(call: Call) -> None:
    """Raise HTTP 500 "invalid request" for a group's openid on the C2C path and the other way round (sheet 3.1)."""
    known, other = (call.bot.users, call.bot.groups)
    if call.scene == "group":
        known, other = other, known
    if call.target in other and call.target not in known:
        raise Refusal(None, "invalid request", status=500)
    known.add(call.target)


def answered(call: Call) -> Inbound | None:
    """Return what the body answers, or None when it is proactive; raises the msg_id and expiry refusals."""
    try:
        return call.bot.ledger.answered(
            call.scene or "", call.target, call.body, call.now, stream=call.frame is not None
        )
    except Refusal as refusal:
        if refusal.code in (call.platform.switches.expired_code, 304027, 40034026):
            call.violate("passive_after_expiry", f"answered {refusal.code}")
        raise


def sequence(call: Call) -> int:
    """Return `msg_seq`, 1 when there is none (sheet 3.2); raises 50035 unless it is a number of at least 0."""
    seq = call.body.get("msg_seq")
    if seq is None:
        return 1
    if isinstance(seq, bool) or not isinstance(seq, int) or seq < 0:
        raise Refusal(50035)
    return seq


def refuse_repeat(call: Call, inbound: Inbound, seq: int, content: str) -> None:
    """Raise 40054005 for a used pair, and note it as a violation when the content is another (sheet 3.5, 8.12)."""
    try:
        inbound.refuse_repeat(seq)
    except Refusal:
        if inbound.pairs[seq] != content:
            call.violate("reused_pair", f"msg_seq {seq} of {inbound.id} stands for other content")
        raise
    call.pair = (inbound, seq)


def refuse_over(call: Call, inbound: Inbound) -> None:
    """Raise 40034128 (or the older 22009) when this inbound id has had all its replies."""
    inbound.refuse_over(call.bot.ledger.limit(call.scene or ""), call.platform.switches.over_limit_code)


def refuse_content(call: Call, text: str) -> None:
    """Raise the refusals that look at the words: moderation, addresses in groups, length (sheet 3.2, 3.7)."""
    switches = call.platform.switches
    if any(word and word in text for word in switches.moderated_words):
        raise Refusal(304025 if call.scene in ("guild", "dm") else 40034006)
    if switches.max_text_chars is not None and len(text) > switches.max_text_chars:
        raise Refusal(40054007)
    if call.scene == "group" and switches.group_urls == "refuse":
        for address in foreign_addresses(text, switches.registered_hosts):
            raise Refusal(40054010, f"不允许发送url {address}")


def foreign_addresses(text: str, registered: list[str]) -> list[str]:
    """Return what QQ would take for an address of a host that is not registered."""
    found = [match.group() for match in URL.finditer(text)]
    hosts = {address: urlsplit(address).hostname or "" for address in found}
    bare = URL.sub(" ", text)
    hosts |= {match.group(): match.group().lower() for match in HOST.finditer(bare)}
    return [address for address, host in hosts.items() if host not in registered]


def show(
    call: Call,
    kind: str,
    text: str,
    *,
    bubble_id: str | None = None,
    state: str = "done",
    media: dict[str, Any] | None = None,
    keyboard: dict[str, Any] | None = None,
) -> Bubble:
    """Put the bot's bubble on the target's screen, unless this send is accepted and dropped; return it."""
    sent_id = bubble_id or message_id()
    bubble = Bubble(
        id=sent_id,
        sender="bot",
        kind=kind,
        text=text,
        state=state,
        at=call.now,
        media=media,
        keyboard=keyboard,
        hidden=call.hidden or call.bot.dropping,
    )
    call.bot.sent[sent_id] = (call.scene or "", call.target, call.now)
    return call.bot.screens.add(call.scene or "", call.target, bubble)


def accepted(call: Call, sent_id: str) -> dict[str, Any]:
    """Return the body of an accepted send (sheet 3.3)."""
    switches = call.platform.switches
    clock = call.platform.clock
    body: dict[str, Any] = {
        "id": sent_id,
        "timestamp": int(call.now) if switches.timestamp == "int" else clock.timestamp(call.now),
    }
    if not switches.omit_ext_info:
        body["ext_info"] = {"ref_idx": reference_id()}
    return body


def note_whole_resend(call: Call, inbound: Inbound | None, text: str) -> None:
    """Note it when what was streamed on this inbound id comes whole once more (sheet 8.12); refuses nothing."""
    for stream in () if inbound is None else inbound.streams:
        shown = stream.text.strip()
        if len(shown) >= 12 and text.strip().startswith(shown):
            call.violate("whole_resend", f"the text of stream {stream.id} was sent again")
            return
