"""The comparison: what users see beside what the model wrote and what our own API claims. Pure.

A delivery is in a true state when its status says of the screen what is there: *delivered* all of it, once and in
order; *interrupted* all that was generated; anything else no more and no less than its rows claim QQ has; and what
nobody can know is *unknown*, no further than the last frame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from faults.evidence import Evidence, mark_of
from faults.reading import follow, whole
from faults.screens import ENDED_BY_ITSELF, Part, Place, Seen, lay

ENDED = ("delivered", "in_review", "failed", "unknown", "interrupted", "cancelled")
DOUBTFUL = ("unknown", "unclosed")
"""Statuses of a segment of which nobody knows what the user sees."""
UNSURE = (*DOUBTFUL, "failed", "in_review")
"""Statuses of a segment that the user may see nothing of, or less than its text."""
REFUSED = ("moderated", "refused")
"""Reasons for which QQ takes no more of an answer."""


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    delivery: int | None
    """Our key of the delivery it is about; None: of none."""
    detail: str


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote for one message, over all its turns; ``ended``: it had said all it had to say."""

    text: str
    ended: bool


def judge(evidence: Evidence) -> list[Violation]:
    """Return everything that is not as it must be; an empty list: nothing lost, nothing twice, every state true."""
    seen, orphans, order = lay(evidence)
    written = _written(evidence)
    found = [Violation("unsettled", None, what) for what in evidence.unsettled]
    found += [Violation("fallen", None, f"{part} ended by itself") for part in evidence.fallen]
    found += [Violation("nobodys_bubble", None, f"{place}: {_short(bubble)}") for place, bubble in orphans]
    found += _heard_once(evidence)
    for one in seen:
        model = written.get(_message(one, evidence))
        found += [*_of_one(one, model, evidence), *_unmarked(one, model, evidence)]
    found += _in_order(seen, order)
    found += _rules_broken(evidence, seen)
    return found


def _message(one: Seen, evidence: Evidence) -> str:
    """The text of the user's message it answers: every message of a run is another."""
    msg_id = evidence.heard.get(one.document["inbound"] or 0, "")
    return evidence.lines[msg_id].text if msg_id in evidence.lines else ""


def _written(evidence: Evidence) -> dict[str, Written]:
    """What was written for each message: of every turn the longest answer, should it have been asked for again."""
    turns: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for answer in evidence.answers:
        longest = turns[answer["user_text"]].get(answer["turn"])
        if longest is None or (answer["state"] == "done", len(answer["text"])) > (
            longest["state"] == "done",
            len(longest["text"]),
        ):
            turns[answer["user_text"]][answer["turn"]] = answer
    return {
        text: Written("".join(by_turn[turn]["text"] for turn in sorted(by_turn)), _ended(by_turn))
        for text, by_turn in turns.items()
    }


def _ended(by_turn: dict[int, dict[str, Any]]) -> bool:
    return by_turn[max(by_turn)]["finish"] == "stop" and all(answer["state"] == "done" for answer in by_turn.values())


def _heard_once(evidence: Evidence) -> list[Violation]:
    """Every message has exactly one reply, every file one delivery."""
    replies: dict[str, list[int]] = defaultdict(list)
    files: dict[str, list[int]] = defaultdict(list)
    for document in evidence.deliveries:
        if document["kind"] == "reply":
            replies[evidence.heard.get(document["inbound"] or 0, "")].append(document["id"])
        elif document["id"] in evidence.keys:
            files[evidence.keys[document["id"]]].append(document["id"])
    found = []
    for msg_id, line in evidence.lines.items():
        if len(replies[msg_id]) != 1:
            found.append(Violation("one_reply", None, f"message {line.number} has the replies {replies[msg_id]}"))
    for key in evidence.files:
        if len(files[key]) != 1:
            found.append(Violation("one_delivery", None, f"{key} has the deliveries {files[key]}"))
    return found


def _of_one(one: Seen, written: Written | None, evidence: Evidence) -> list[Violation]:
    document = one.document
    if document["status"] not in ENDED:
        return [Violation("not_ended", one.pk, f"{document['status']} {document['reason']}")]
    found = [problem for part in one.parts for problem in _claim(one, part, evidence)]
    if document["kind"] == "reply":
        found += _text(one, written or Written("", ended=False), evidence)
    elif (
        document["status"] == "delivered" and not any(part.bubble for part in one.parts) and not _unseen(one, evidence)
    ):
        found.append(Violation("not_there", one.pk, "delivered, and the user sees nothing"))
    return found


def _text(one: Seen, written: Written, evidence: Evidence) -> list[Violation]:
    document, status = one.document, one.document["status"]
    generated = document["generated_text"]
    if not written.text.startswith(generated):
        return [Violation("generated", one.pk, f"not what the model wrote: {_differ(written.text, generated)}")]
    texts = list(_texts(one, evidence))
    reached = follow(written.text, texts)
    if reached is None and _unseen(one, evidence):
        return []  # a frame of it is nowhere on the screen, by the platform's own doing
    if reached is None:
        return [Violation("text", one.pk, f"{status}; lost, twice or out of order: {texts!r} of {written.text!r}")]
    if status == "delivered" and not _unseen(one, evidence):
        if not written.ended:
            return [Violation("delivered", one.pk, "the model had not come to its end")]
        if not whole(written.text, reached):
            return [Violation("delivered", one.pk, f"missing: {written.text[reached:]!r}")]
    last = one.replies[-1].segment["status"] if one.replies else ""
    refused = document["reason"] in REFUSED or last in UNSURE or _unseen(one, evidence)
    if status == "interrupted" and not refused and not whole(generated, reached):
        return [Violation("interrupted", one.pk, f"generated and not delivered: {generated[reached:]!r}")]
    return []


def _texts(one: Seen, evidence: Evidence) -> Iterator[str]:
    """What the user reads, bubble by bubble; where a bubble between others is unsure or was refused, what its segment
    was to bring, so that what stands behind it is found in its place."""
    parts = [part for part in one.replies if not part.is_media]
    for place, part in enumerate(parts):
        behind = any(other.bubble is not None for other in parts[place + 1 :])
        if behind and (part.segment["status"] in UNSURE or (part.bubble is None and _unseen(one, evidence))):
            yield part.segment["text"]
        elif part.bubble is not None:
            yield part.bubble["text"]


def _claim(one: Seen, part: Part, evidence: Evidence) -> list[Violation]:
    """Does the user see of this segment what its row says QQ has?"""
    segment, bubble = part.segment, part.bubble
    status: str = segment["status"]

    def wrong(rule: str, detail: str) -> list[Violation]:
        return [Violation(rule, one.pk, f"segment {segment['number']} ({segment['kind']}, {status}): {detail}")]

    if status == "open":
        return wrong("open", "it was left open and nobody says so")
    if bubble is None:
        if status == "in_review":
            # A person at QQ looks at it first: nobody says that the user sees it.
            return []
        claims = segment["accepted_length"] or status in ("delivered", "closed")
        blank = not part.is_media and not segment["text"][: segment["accepted_length"]].strip()
        return (
            wrong("not_there", "QQ is said to have it") if claims and not blank and not _unseen(one, evidence) else []
        )
    if bubble["state"] == "streaming":
        return wrong("open", "still open on the screen")
    if bubble["state"] in ENDED_BY_ITSELF and status != "unclosed":
        return wrong("open", f"never closed, {bubble['state']} in the end")
    if part.is_media:
        right = status in ("delivered", "in_review") or status in DOUBTFUL
        return [] if right else wrong("shown", "the user sees it all the same")
    text, shown = segment["text"], bubble["text"]
    if bubble["state"] == "rolled_back":
        return []
    if any(mark in evidence.unseen for mark in _marks(part)):
        return []
    there = follow(text, [shown], between=True)
    if there is None:
        return wrong("shown", f"the user sees something else: {shown!r} of {text!r}")
    sure, most = len(text[: segment["accepted_length"]].rstrip()), _furthest(segment)
    if there < sure:
        return wrong("shown", f"QQ is said to have {sure} characters, {there} are there")
    if there > (sure if status not in UNSURE else most):
        return wrong("shown", f"at most {most if status in UNSURE else sure} characters were to be there, not {there}")
    return []


def _furthest(segment: dict[str, Any]) -> int:
    """Characters the user may see at most: what QQ has, and one frame of unknown outcome."""
    doubtful = [chunk for chunk in segment["chunks"] if chunk["status"] in ("unknown", "sending")]
    ends = [chunk["start"] + len(chunk["text"]) for chunk in doubtful]
    most: int = max([segment["accepted_length"], *ends])
    return most


def _dropped(one: Seen, evidence: Evidence) -> bool:
    """Whether the platform took a frame of it and showed it to nobody, as it does after a 4009 (sheet 2.4)."""
    return any(mark in evidence.unseen for part in one.parts for mark in _marks(part))


def _unseen(one: Seen, evidence: Evidence) -> bool:
    """Whether the platform has a frame of it that is on no screen, by its own doing."""
    return _dropped(one, evidence) or any(_held_unheard(part, evidence) for part in one.parts)


def _held_unheard(part: Part, evidence: Evidence) -> bool:
    """Whether it waits for a person's review and the answer that said so was lost: the repeat proves that QQ has it
    (sheet 3.5), and nothing can tell that it is not shown yet."""
    proven = any(chunk["status"] == "duplicate" for chunk in part.segment["chunks"])
    return proven and any(mark in evidence.held for mark in _marks(part))


def _marks(part: Part) -> Iterator[str]:
    segment = part.segment
    for chunk in segment["chunks"]:
        mark = mark_of({"msg_id": segment["reference"], "msg_seq": chunk["msg_seq"], "index": chunk["index"]})
        yield from filter(None, (mark, chunk["trace_id"]))


def _unmarked(one: Seen, written: Written | None, evidence: Evidence) -> list[Violation]:
    """Where something is nowhere on the screen because the platform took it and showed it to nobody, the delivery says
    that this may be so."""
    if not _dropped(one, evidence) or one.document["suspect"]:
        return []
    missing = _of_one(one, written, replace(evidence, unseen=set()))
    return [Violation("unmarked", one.pk, f"dropped, and not marked: {each.detail}") for each in missing]


def _in_order(seen: list[Seen], order: dict[Place, list[int]]) -> list[Violation]:
    """No answer overtakes another in its conversation."""
    found = []
    for place, keys in order.items():
        if keys != sorted(keys):
            found.append(Violation("overtaken", keys[0], f"{place}: bubbles of {keys}"))
    return found


def _rules_broken(evidence: Evidence, seen: list[Seen]) -> list[Violation]:
    """What the platform saw broken, but for what can be helped by nobody."""
    parts = [(one, part) for one in seen for part in one.parts]
    whose = {mark: (one, part) for one, part in parts for mark in _marks(part)}
    found = []
    for broken in evidence.violations:
        one, part = whose.get(broken["mark"], (None, None))
        if part is None or not _helpless(broken["rule"], part):
            detail = f"request {broken['n']}: {broken['detail']}"
            found.append(Violation(f"platform: {broken['rule']}", one.pk if one else None, detail))
    return found


def _helpless(rule: str, part: Part) -> bool:
    if rule == "stream_left_open":
        # A stream whose id QQ never told cannot be closed, and its row says so.
        return bool(part.segment["status"] == "unclosed")
    if rule == "second_closing_frame":
        # The answer came when the sender had given up, or was dead. Its row says that it never heard one.
        return any(chunk["kind"] == "closing" and chunk["status"] == "unknown" for chunk in part.segment["chunks"])
    return False


def _differ(one: str, other: str) -> str:
    differ = (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
    place = next(differ, min(len(one), len(other)))
    return f"at {place}: {one[place : place + 40]!r} and {other[place : place + 40]!r}"


def _short(bubble: dict[str, Any]) -> str:
    return f"{bubble['kind']} {bubble['state']} {bubble['id']}: {bubble['text'][:60]!r}"
