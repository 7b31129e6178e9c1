"""The requests that bring a media item to QQ (sheet 5.1, 5.3), each a new plain dict.

A PUT and a fetch go to addresses that are not QQ's API: their requests are what the record keeps of them.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from adapter.frames import Frame, FrameKind
from adapter.pieces import MediaItem, MediaKind
from adapter.redaction import bare_address
from adapter.request import Endpoint, Request
from adapter.targets import Target
from adapter.ways import Way, content_of, size_of

_FILE_TYPES = {MediaKind.IMAGE: 1, MediaKind.VIDEO: 2, MediaKind.VOICE: 3, MediaKind.FILE: 4}
_NAMES = {MediaKind.IMAGE: "image", MediaKind.VIDEO: "video.mp4", MediaKind.VOICE: "voice.silk", MediaKind.FILE: "file"}


def upload_frame_request(frame: Frame, target: Target) -> Request:
    """The request of a frame of ``frames.UPLOAD_KINDS``. Where bytes go inline, ``file_data`` only says how many."""
    item = frame.media
    if item is None:
        raise ValueError("an upload without its item")
    match frame.kind:
        case FrameKind.FETCH:
            return Request("GET", bare_address(item.url or ""), {}, Endpoint.OTHER)
        case FrameKind.PREPARE:
            return prepare_request(target, item)
        case FrameKind.PART:
            return part_request(frame)
        case FrameKind.FINISH:
            return finish_request(target, frame)
    match frame.way:
        case Way.PARTS:
            return merge_request(target, item, frame.upload_id)
        case Way.DATA:
            return data_request(target, item, f"<{size_of(item)} bytes>")
        case _:
            return url_request(target, item, item.url or "")


def url_request(target: Target, item: MediaItem, url: str) -> Request:
    """QQ fetches the address itself."""
    return _files(target, item, url=url)


def data_request(target: Target, item: MediaItem, file_data: str) -> Request:
    """``file_data`` in base64."""
    return _files(target, item, file_data=file_data)


def prepare_request(target: Target, item: MediaItem) -> Request:
    """Raises ContentGone for an item without bytes: their sums are wanted."""
    content = content_of(item)
    sums = content.sums
    body = {
        "file_type": _FILE_TYPES[item.kind],
        "file_name": _name(item),
        # As a number it was answered with 850012 (sheet 6.1).
        "file_size": str(content.size),
        "md5": sums.md5,
        "sha1": sums.sha1,
        "md5_10m": sums.md5_10m,
    }
    return Request("POST", target.prepare_path, body, Endpoint.PREPARE)


def part_request(frame: Frame) -> Request:
    """Without the bytes, and with the address bare: its query is the right to write there."""
    part = frame.part
    if part is None:
        raise ValueError("a PUT without its part")
    body = {"part": part.index, "offset": part.offset, "bytes": part.size}
    return Request("PUT", bare_address(part.url), body, Endpoint.OTHER)


def finish_request(target: Target, frame: Frame) -> Request:
    part = frame.part
    if part is None:
        raise ValueError("a part_finish without its part")
    body = {
        "upload_id": frame.upload_id,
        "part_index": part.index,
        "block_size": str(part.size),
        "md5": part.md5,
    }
    return Request("POST", target.part_finish_path, body, Endpoint.PART_FINISH)


def merge_request(target: Target, item: MediaItem, upload_id: str) -> Request:
    return _files(target, item, upload_id=upload_id, file_name=_name(item))


def _files(target: Target, item: MediaItem, **more: str) -> Request:
    body = {"file_type": _FILE_TYPES[item.kind], "srv_send_msg": False, **more}
    if item.kind is MediaKind.FILE or item.name or _name_in(item.url):
        # A file without a name was answered with 500 (sheet 5.1); what is too large for its kind becomes a file (5.2).
        body["file_name"] = _name(item)
    return Request("POST", target.files_path, body, Endpoint.FILES)


def _name(item: MediaItem) -> str:
    return item.name or _name_in(item.url) or _NAMES[item.kind]


def _name_in(url: str | None) -> str:
    """The file's name as its address tells it, at most 100 characters; "" where it tells none with an ending."""
    if not url or not url.lower().startswith(("http://", "https://")):
        return ""
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    kept = "".join(each for each in last if each.isprintable())[-100:]
    return kept if "." in kept.strip(".") else ""
