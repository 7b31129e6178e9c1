"""What a run amounts to, in figures; and of what is not right the history an engineer needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from faults.evidence import Evidence
from faults.judge import Violation
from faults.mix import FAULTS, name_of

MOST_HISTORIES = 8


def figures(evidence: Evidence, broken: list[Violation]) -> Iterator[str]:
    """Yield the lines of the summary."""
    replies = [one for one in evidence.deliveries if one["kind"] == "reply"]
    scenes = Counter(line.scene for line in evidence.lines.values())
    yield f"{scenes['c2c']} streams, {scenes['group']} answers in groups, {scenes['guild']} in guilds, "\
        f"{len(evidence.files)} media items; {evidence.requests} requests in {evidence.seconds:.0f} s"  # fmt: skip
    yield f"answers: {_counted(Counter(_end(one) for one in replies))}"
    yield f"media:   {_counted(Counter(_end(one) for one in evidence.deliveries if one['kind'] != 'reply'))}"
    unknown = [one for one in evidence.deliveries if one["status"] == "unknown"]
    yield f"unknown: {len(unknown)} of {len(evidence.deliveries)}; never answered: {_counted(_doubts(unknown))}"
    yield f"faults:  {_counted(fired(evidence))}"
    marked = sum(1 for one in evidence.deliveries if one["suspect"])
    yield f"shown to nobody after a 4009: {evidence.dropped} requests; {marked} deliveries say that this may be so"
    yield f"said again by their users: {evidence.said_again}"
    yield f"knocked out: {_counted(Counter(evidence.knocked_out))}; taken over or begun anew: {evidence.takeovers}"
    yield f"violations: {_counted(Counter(one.rule for one in broken)) or 'none'}"


def fired(evidence: Evidence) -> Counter[str]:
    """Return how often each kind of fault struck."""
    counted = Counter({fault.name: 0 for fault in FAULTS})
    for rule in evidence.rules:
        counted[name_of(rule)] += rule["fired"]
    return counted


def histories(evidence: Evidence, broken: list[Violation]) -> Iterator[str]:
    """Yield each violation, and the first deliveries they are about, request by request."""
    for one in broken:
        yield f"! {one.rule}  delivery {one.delivery}  {one.detail[:600]}"
    documents = {document["id"]: document for document in evidence.deliveries}
    for pk in list(dict.fromkeys(one.delivery for one in broken if one.delivery))[:MOST_HISTORIES]:
        yield ""
        yield from history(documents[pk])


def history(document: dict[str, Any]) -> Iterator[str]:
    """Yield one delivery's attempts, segments and chunks, a line each."""
    yield (
        f"delivery {document['id']} {document['kind']} {_end(document)} {document['detail'][:200]} "
        f"{document['started_at']} .. {document['finished_at']}, {len(document['generated_text'])} characters generated"
    )
    for attempt in document["attempts"]:
        yield f"  attempt {attempt['number']} {attempt['status']} {attempt['reason']}"
        for segment in attempt["segments"]:
            yield (
                f"    segment {segment['number']} {segment['kind']} {segment['purpose']} {segment['status']} "
                f"{segment['accepted_length']} of {len(segment['text'])} id={segment['stream_id'] or '-'}"
            )
            for chunk in segment["chunks"]:
                yield (
                    f"      {chunk['sent_at'][11:23]} {chunk['kind']} {chunk['status']} {chunk['why']} "
                    f"#{chunk['index']} seq={chunk['msg_seq']} [{chunk['start']}+{len(chunk['text'])}] "
                    f"{chunk['http_status']} {chunk['code'] or ''} {chunk['message'][:60]} "
                    f"{chunk['elapsed_ms'] or 0:.0f} ms"
                )


def _end(document: dict[str, Any]) -> str:
    return " ".join(filter(None, (document["status"], document["reason"])))


def _doubts(unknown: list[dict[str, Any]]) -> Counter[str]:
    """The kinds of the chunks whose outcome decided it."""
    counted: Counter[str] = Counter()
    for document in unknown:
        segments = [segment for attempt in document["attempts"] for segment in attempt["segments"]]
        doubtful = [one for one in segments if one["status"] in ("unknown", "unclosed")]
        for segment in doubtful[:1]:
            chunks = [chunk for chunk in segment["chunks"] if chunk["status"] in ("unknown", "duplicate", "sending")]
            counted[f"{segment['status']} {segment['dialect'] or segment['kind']} {chunks[-1]['kind'] if chunks else '-'}"] += 1  # fmt: skip  # noqa: E501
        if not doubtful:
            counted["no doubtful segment"] += 1
    return counted


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())
