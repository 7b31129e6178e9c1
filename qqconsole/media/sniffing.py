"""What a file is, by its first bytes; its name and what its sender says are not asked."""

from __future__ import annotations

import puremagic

HEAD = 8_192
"""Bytes looked at."""

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")
"""What QQ shows (sheet 5.1)."""
SOUNDS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
}
"""What miniaudio decodes, by its word for it."""
SOUNDS_FOR_FFMPEG = {"audio/mp4": "mov", "audio/amr": "amr", "audio/opus": "ogg"}
"""What ffmpeg decodes where it is present, by its demuxer: no other one is offered the file."""
SILK = "audio/silk"
MP4 = "video/mp4"

_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4P ": "audio/mp4",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heif": "image/heif",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"crx ": "image/x-canon-cr3",
}


def mime_of(head: bytes) -> str:
    """The type of what begins with ``head``; "" where nothing known begins so."""
    return _pictures_and_sounds(head) or _others(head)


def _pictures_and_sounds(head: bytes) -> str:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    # Two letters begin many a text; a bitmap's reserved bytes are zero.
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return "video/3gpp" if head[8:10] == b"3g" else _BRANDS.get(head[8:12], MP4)
    if head.startswith((b"\x02#!SILK_V3", b"#!SILK_V3")):
        return SILK
    if head.startswith(b"#!AMR"):
        return "audio/amr"
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"OggS"):
        return "audio/opus" if b"OpusHead" in head[:64] else "audio/ogg" if b"vorbis" in head[:64] else "video/ogg"
    if head.startswith(b"ID3") or (len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] < 0xF0):
        return "audio/mpeg"
    return ""


def _others(head: bytes) -> str:
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        found = []
    # Whoever names no type is no help to a browser; one that claims to be played or shown is not taken at its word.
    known = next((each.mime_type for each in found if each.mime_type), "")
    return known or ("text/plain" if _is_text(head) else "")


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(each.isprintable() or each in "\t\r\n\f" for each in text.lstrip("\ufeff"))
