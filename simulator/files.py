"""POST …/files: by address, by file_data, or the end of an upload in parts (sheet 5.1, 5.2)."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote, urlsplit

from simulator.arriving import Received, received
from simulator.call import Call
from simulator.codes import Refusal
from simulator.fetching import fetched
from simulator.media_store import HARD_LIMIT, KINDS, SOFT_LIMITS, MediaItem, looks_like
from simulator.messages import settle
from simulator.platform import reference_id
from simulator.sending import show
from simulator.uploads import merged


async def post_file(call: Call) -> dict[str, Any]:
    """Store a file and return `{file_uuid, file_info, ttl}`, with `id` when it was sent at once; raises Refusal."""
    body = call.body
    file_type = body.get("file_type")
    name = body.get("file_name") or ""
    if body.get("upload_id"):
        upload, file = await merged(call, body["upload_id"])
        file_type, name = upload.file_type, upload.name
    else:
        if file_type not in KINDS:
            raise Refusal(50035)
        if file_type == 4 and not name:
            raise Refusal(None, status=500)  # sheet 5.1
        file = await _file(call)
        name = name or name_in(body.get("url"))
    if file.size > HARD_LIMIT:
        raise Refusal(850031)
    kind = KINDS[file_type]
    if not looks_like(kind, file.head, silk_only=call.platform.switches.voice_silk_only):
        raise Refusal(850019)
    if file.size > SOFT_LIMITS[kind]:
        kind = "file"
    item = call.bot.media.keep(call.scene or "", kind, name or kind, file)
    ttl = call.platform.switches.media_ttl
    answer: dict[str, Any] = {"file_uuid": item.id, "file_info": item.file_info, "ttl": ttl}
    if body.get("upload_id") and file_type != 4:
        answer["raw_url"] = f"{call.platform.url}/_sim/media/{item.id}"
    if body.get("srv_send_msg") is True:
        answer |= _send_now(call, item)
    return answer


def name_in(url: Any) -> str:
    """Return the file's name as its address tells it; "" where it tells none."""
    return unquote(urlsplit(url).path).rpartition("/")[2] if isinstance(url, str) else ""


async def _file(call: Call) -> Received:
    body, switches = call.body, call.platform.switches
    data, url = body.get("file_data"), body.get("url")
    if data:
        if not switches.file_data or not isinstance(data, str):
            raise Refusal(10000)
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal(850019) from error
        if len(content) > switches.file_data_max_bytes:
            raise Refusal(850012)  # sheet 5.2
        return received(content)
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise Refusal(50035 if not url else 850026)
    return await fetched(url, call.platform)


def _send_now(call: Call, item: MediaItem) -> dict[str, Any]:
    """`srv_send_msg: true` sends at once, as a proactive message (sheet 5.1)."""
    settle(call, None, 0, "")
    bubble = show(call, "media", "", media=item.view())
    return {"id": bubble.id, "ext_info": {"ref_idx": reference_id()}}
