"""Uploads in parts: prepare, PUT, part_finish, merge (sheet 5.3)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulator.bots import Bot
from simulator.call import Answer, Call
from simulator.codes import Refusal
from simulator.media_store import HARD_LIMIT, KINDS
from simulator.platform import Platform

HEAD = 10_002_432  # bytes that md5_10m covers


@dataclass(slots=True)
class Part:
    """One part: what arrived, and whether part_finish has taken it."""

    size: int
    content: bytes | None = None
    finished: bool = False


@dataclass(slots=True)
class Upload:
    """One upload under way."""

    id: str
    scene: str
    target: str
    file_type: int
    name: str
    size: int
    md5: str
    sha1: str
    md5_10m: str
    parts: dict[int, Part] = field(default_factory=dict)


def upload_prepare(call: Call) -> dict[str, Any]:
    """POST …/upload_prepare; raises 850012 for a numeric file_size or empty sha1, 850031, 40093002, 50035."""
    body, switches = call.body, call.platform.switches
    size = body.get("file_size")
    if not isinstance(size, str) or not size.isdigit() or body.get("sha1") == "":
        raise Refusal(850012)  # sheet 6.1, 850012
    names = ("file_name", "md5", "sha1", "md5_10m")
    if body.get("file_type") not in KINDS or not all(isinstance(body.get(name), str) and body[name] for name in names):
        raise Refusal(50035)
    total = int(size)
    if not 0 < total <= HARD_LIMIT:
        raise Refusal(850031)
    call.bot.refuse_capacity(total, switches.upload_daily_bytes)
    upload = Upload(
        id=uuid.uuid4().hex,
        scene=call.scene or "",
        target=call.target,
        file_type=body["file_type"],
        name=body["file_name"],
        size=total,
        md5=body["md5"].lower(),
        sha1=body["sha1"].lower(),
        md5_10m=body["md5_10m"].lower(),
    )
    for position in range(-(-total // switches.part_size)):
        size_here = min(switches.part_size, total - position * switches.part_size)
        upload.parts[switches.part_index_base + position] = Part(size_here)
    call.bot.uploads[upload.id] = upload
    address = f"{call.platform.url}/cos/{call.bot.app_id}/{upload.id}"
    return {
        "upload_id": upload.id,
        "block_size": str(switches.part_size),
        "parts": [
            {"index": index, "presigned_url": f"{address}/{index}?sign=1", "block_size": str(part.size)}
            for index, part in upload.parts.items()
        ],
        "upload_config": {"concurrency": 1, "retry_timeout": 300, "retry_delay": 1},
    }


def by_upload(platform: Platform, request: web.Request, body: dict[str, Any]) -> Bot:
    """Return the bot whose presigned address this is: a PUT carries no token."""
    bot = platform.bots.get(request.match_info["app_id"])
    if bot is None or request.match_info["upload"] not in bot.uploads:
        raise Refusal(None, "NoSuchUpload", status=404)
    return bot


def put_part(call: Call) -> Answer:
    """PUT to a presigned address; 403 once part_finish has taken the part, 400 for more bytes than were announced."""
    upload = call.bot.uploads[call.params["upload"]]
    index = call.params["index"]
    part = upload.parts.get(int(index)) if index.isdigit() else None
    if part is None:
        raise Refusal(None, "NoSuchPart", status=404)
    if part.finished:
        raise Refusal(None, "AccessDenied", status=403)
    if len(call.raw) > part.size:
        raise Refusal(None, "EntityTooLarge", status=400)
    part.content = call.raw
    return Answer(200, b"", headers={"ETag": f'"{hashlib.md5(call.raw).hexdigest()}"'})  # noqa: S324


def upload_part_finish(call: Call) -> dict[str, Any]:
    """POST …/upload_part_finish; raises 40093001 (nothing there, wrong size or sum: try again) or 50035."""
    body = call.body
    upload = found_upload(call, body.get("upload_id"))
    part = upload.parts.get(body.get("part_index"))  # type: ignore[arg-type]
    if part is None:
        raise Refusal(50035)
    content = part.content
    if content is None or len(content) != part.size or body.get("block_size") not in (str(part.size), part.size):
        raise Refusal(40093001)
    if hashlib.md5(content).hexdigest() != str(body.get("md5", "")).lower():  # noqa: S324
        raise Refusal(40093001)
    part.finished = True
    return {}


def found_upload(call: Call, upload_id: Any) -> Upload:
    """Return the upload of that id in this scene; raises 850019."""
    upload = call.bot.uploads.get(upload_id) if isinstance(upload_id, str) else None
    if upload is None or (upload.scene, upload.target) != (call.scene, call.target):
        raise Refusal(850019)
    return upload


def merged(call: Call, upload_id: Any) -> tuple[Upload, bytes]:
    """Return a finished upload and its bytes, and forget it; raises 850019 for missing parts or a wrong sum."""
    upload = found_upload(call, upload_id)
    if not all(part.finished for part in upload.parts.values()):
        raise Refusal(850019)
    content = b"".join(part.content or b"" for part in upload.parts.values())
    sums = (
        hashlib.md5(content).hexdigest(),  # noqa: S324
        hashlib.sha1(content).hexdigest(),  # noqa: S324
        hashlib.md5(content[:HEAD]).hexdigest(),  # noqa: S324
    )
    if sums != (upload.md5, upload.sha1, upload.md5_10m):
        raise Refusal(850019)
    call.bot.take_capacity(len(content))
    del call.bot.uploads[upload.id]
    return upload, content
