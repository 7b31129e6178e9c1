"""What a media item is by its bytes, and the one request that uploads a small one or a public address (sheet 5.1).

What is larger goes in parts: ``uploading``.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from adapter.addresses import check_address
from adapter.errors import MediaRefused
from adapter.pieces import MediaItem, MediaKind
from adapter.request import Request
from adapter.targets import Target
from adapter.upload_requests import data_request, url_request
from adapter.ways import DIRECT_LIMIT

__all__ = ["DIRECT_LIMIT", "MediaItem", "MediaKind", "check_address", "content_kind", "read_data_url", "upload_request"]

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[^,;]*)*),", re.IGNORECASE)


def upload_request(target: Target, item: MediaItem, *, allow_private: bool = False) -> Request:
    """The request to ``…/files`` of the same scene; its answer's ``file_info`` goes into the message.

    ``item.data`` wins over ``item.url``; a ``data:`` URL counts as data. Raises MediaRefused (nothing, empty,
    too_large, kind, data_url), AddressRefused, and ValueError for a scene without uploads.
    """
    data = item.data
    if data is None and item.url is not None and item.url[:5].lower() == "data:":
        data = read_data_url(item.url)
    if data is not None:
        return data_request(target, item, base64.b64encode(_checked(data, item.kind)).decode("ascii"))
    if not item.url:
        raise MediaRefused("nothing", "there is neither an address nor data")
    check_address(item.url, allow_private)
    return url_request(target, item, item.url)


def read_data_url(url: str, limit: int = DIRECT_LIMIT) -> bytes:
    """The bytes of a ``data:`` URL. Raises MediaRefused (data_url, too_large); the size is looked at first."""
    head = _DATA_URL.match(url)
    if head is None:
        raise MediaRefused("data_url", "this is no data: URL")
    start = head.end()
    is_base64 = head[2].lower().endswith(";base64")
    # Percent signs make a plain payload longer than its bytes by up to three.
    least = (len(url) - start) * 3 // 4 - 3 if is_base64 else (len(url) - start) // 3
    if least > limit:
        raise MediaRefused("too_large", f"the data is over {limit} bytes")
    try:
        data = unquote_to_bytes(url[start:])
        if is_base64:
            compact = b"".join(data.split())
            data = base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MediaRefused("data_url", "the data: URL is not valid base64") from error
    if len(data) > limit:
        raise MediaRefused("too_large", f"the data is over {limit} bytes")
    return data


def content_kind(data: bytes) -> MediaKind | None:
    """What the first bytes say, of the kinds QQ plays (sheet 5.1); None where they say nothing known."""
    head = data[:16]
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")):
        return MediaKind.IMAGE
    if head[:4] == b"RIFF":
        return {b"WEBP": MediaKind.IMAGE, b"WAVE": MediaKind.VOICE}.get(head[8:12])
    if head[4:8] == b"ftyp":
        if head[8:12] in (b"heic", b"heix", b"avif", b"mif1"):
            return None  # pictures in a video's box, which QQ does not list
        return MediaKind.VOICE if head[8:11] == b"M4A" else MediaKind.VIDEO
    if head.startswith((b"\x02#!SILK", b"#!SILK", b"#!AMR", b"ID3", b"OggS")):
        return MediaKind.VOICE
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6):
        return MediaKind.VOICE
    return None


def _checked(data: bytes, kind: MediaKind) -> bytes:
    if not data:
        raise MediaRefused("empty", "the file is empty")
    if len(data) > DIRECT_LIMIT:
        raise MediaRefused("too_large", f"the file is over {DIRECT_LIMIT} bytes, too large to send directly")
    if kind is not MediaKind.FILE and content_kind(data) is not kind:
        raise MediaRefused("kind", f"the file's content is no {kind} that QQ plays")
    return data
