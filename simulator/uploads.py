"""Uploads in parts: prepare, PUT, part_finish, merge (sheet 5.3)."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulator.arriving import Received
from simulator.bots import UPLOADS, Bot
from simulator.call import Answer, Call
from simulator.codes import Refusal
from simulator.media_store import HARD_LIMIT, KINDS
from simulator.platform import Platform

READ = 256 * 1024  # bytes


@dataclass(slots=True)
class Part:
    """One part: where it belongs, what arrived of it (`arrived` None: nothing whole), whether part_finish took it."""

    offset: int
    size: int
    puts: int = 0
    arrived: int | None = None
    md5: str = ""
    finished: bool = False


@dataclass(slots=True)
class Upload:
    """One upload under way. Its bytes lie in the platform's part files."""

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
    for position, offset in enumerate(range(0, total, switches.part_size)):
        upload.parts[switches.part_index_base + position] = Part(offset, min(switches.part_size, total - offset))
    _make_room(call)
    call.bot.uploads[upload.id] = upload
    address = f"{call.platform.url}/cos/{call.bot.app_id}/{upload.id}"
    return {
        "upload_id": upload.id,
        "block_size": str(switches.part_size),
        "parts": [
            {"index": index, "presigned_url": f"{address}/{index}?sign=1", "block_size": str(part.size)}
            for index, part in upload.parts.items()
        ],
        "upload_config": {
            "concurrency": 1,
            "retry_timeout": switches.part_retry_timeout,
            "retry_delay": switches.part_retry_delay,
        },
    }


def _make_room(call: Call) -> None:
    """Drop the oldest uploads that nobody finished, with their bytes."""
    while len(call.bot.uploads) >= UPLOADS:
        oldest = next(iter(call.bot.uploads))
        del call.bot.uploads[oldest]
        call.platform.part_files.forget(oldest)


def by_upload(platform: Platform, request: web.Request, body: dict[str, Any]) -> Bot:
    """Return the bot whose presigned address this is: a PUT carries no token. The address counts as used."""
    bot = platform.bots.get(request.match_info["app_id"])
    upload = bot.uploads.get(request.match_info["upload"]) if bot is not None else None
    if bot is None or upload is None:
        raise Refusal(None, "NoSuchUpload", status=404)
    part = _part_at(upload, request.match_info["index"])
    if part is not None:
        part.puts += 1
    return bot


async def put_part(call: Call) -> Answer:
    """PUT to a presigned address; 403 once part_finish has taken the part, 400 for more bytes than were announced.

    With the switch `presigned_once` a second PUT is refused too, whatever became of the first (sheet 8.8).
    """
    upload = call.bot.uploads[call.params["upload"]]
    part = _part_at(upload, call.params["index"])
    if part is None:
        raise Refusal(None, "NoSuchPart", status=404)
    if part.finished or (call.platform.switches.presigned_once and part.puts > 1):
        raise Refusal(None, "AccessDenied", status=403)
    assert call.incoming is not None
    part.arrived, size, md5 = None, 0, hashlib.md5()  # noqa: S324 - QQ's sum
    with call.platform.part_files.open(upload.id, part.offset) as file:
        async for piece in call.incoming.iter_chunked(READ):
            size += len(piece)
            if size > part.size:
                raise Refusal(None, "EntityTooLarge", status=400)
            md5.update(piece)
            file.write(piece)
    part.arrived, part.md5 = size, md5.hexdigest()
    return Answer(200, b"", headers={"ETag": f'"{part.md5}"'})


def _part_at(upload: Upload, index: str) -> Part | None:
    return upload.parts.get(int(index)) if index.isdecimal() else None


def upload_part_finish(call: Call) -> dict[str, Any]:
    """POST …/upload_part_finish; raises 40093001 (nothing there, wrong size or sum: try again) or 50035."""
    body = call.body
    upload = found_upload(call, body.get("upload_id"))
    part = upload.parts.get(body.get("part_index"))  # type: ignore[arg-type]
    if part is None:
        raise Refusal(50035)
    if part.arrived != part.size or body.get("block_size") not in (str(part.size), part.size):
        raise Refusal(40093001)
    if part.md5 != str(body.get("md5", "")).lower():
        raise Refusal(40093001)
    part.finished = True
    return {}


def found_upload(call: Call, upload_id: Any) -> Upload:
    """Return the upload of that id in this scene; raises 850019."""
    upload = call.bot.uploads.get(upload_id) if isinstance(upload_id, str) else None
    if upload is None or (upload.scene, upload.target) != (call.scene, call.target):
        raise Refusal(850019)
    return upload


async def merged(call: Call, upload_id: Any) -> tuple[Upload, Received]:
    """Return a finished upload and its file, and forget it; raises 850019 for missing parts or a wrong sum."""
    upload = found_upload(call, upload_id)
    if not all(part.finished for part in upload.parts.values()):
        raise Refusal(850019)
    del call.bot.uploads[upload.id]
    try:
        whole = await asyncio.to_thread(call.platform.part_files.merged, upload.id)
    finally:
        call.platform.part_files.forget(upload.id)
    if (whole.md5, whole.sha1, whole.md5_10m) != (upload.md5, upload.sha1, upload.md5_10m):
        raise Refusal(850019)
    call.bot.take_capacity(whole.file.size)
    return upload, whole.file
