"""The raw request of a chunk, as it is stored and as it is shown.

A cumulative frame repeats the whole text before it: stored as they are, the frames of a long answer would take space
that grows with its square. So the text is left out where the segment's row has it, and put back for the reader.
"""

from __future__ import annotations

from typing import Any

from adapter.frames import Frame
from adapter.request import Request
from qqconsole.deliveries.models import Chunk, Segment

MARKER = "$segment_text"
LONGEST_FIELD = 2_000
"""Characters of a base64 upload kept in the record: none of it is of use there."""


def stored_request(request: Request, frame: Frame) -> dict[str, Any]:
    """What the Chunk's row keeps: method, path and body, without what the segment's row has already."""
    body = dict(request.body)
    if "content_raw" in body:
        head = frame.opens_with
        body["content_raw"] = {MARKER: frame.end, "tail": frame.wire_text[len(head) + frame.end :]}
        if head:
            body["content_raw"]["head"] = head
    if isinstance(body.get("file_data"), str) and len(body["file_data"]) > LONGEST_FIELD:
        body["file_data"] = f"<{len(body['file_data'])} characters of base64>"
    return {"method": request.method, "path": request.path, "body": body}


def restore_request(chunk: Chunk, segment: Segment) -> dict[str, Any]:
    """The request as it left; a new dict, the row stays as it is."""
    stored: dict[str, Any] = dict(chunk.request)
    body = stored.get("body")
    if isinstance(body, dict) and isinstance(body.get("content_raw"), dict):
        marker = body["content_raw"]
        text = segment.text[: int(marker.get(MARKER, 0))]
        text = str(marker.get("head", "")) + text + str(marker.get("tail", ""))
        stored["body"] = {**body, "content_raw": text}
    return stored
