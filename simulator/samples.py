"""Sample files at `/_sim/samples/…`, for the demo and for tests: generated while they are sent, always the same.

What a program may look into is real (a PNG's pixels, a WAV's tone, an MP3's silent frames, a PDF's page); the videos
have the boxes of an MP4 and noise where the film would be.
"""

from __future__ import annotations

import io
import math
import random
import struct
import wave
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from aiohttp import web

MEGABYTE = 1024 * 1024
PATH = "/_sim/samples/"
FILLER = 256 * 1024  # bytes of noise, over and over


@dataclass(frozen=True, slots=True)
class Sample:
    """One file: its type, its size in bytes, and what yields its bytes."""

    content_type: str
    size: int
    pieces: Callable[[], Iterator[bytes]]


def png(side: int = 1024) -> bytes:
    """Return a square picture of coloured noise in a gradient; 1024 pixels a side are 3 MB."""
    dice = random.Random(side)
    rows = io.BytesIO()
    for y in range(side):
        noise = dice.randbytes(side * 3)
        rows.write(b"\0" + noise[: side * 3 * y // side] + bytes([y * 255 // side]) * (side * 3 - side * 3 * y // side))
    raw = rows.getvalue()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(raw, 0)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", body) + _png_chunk(b"IEND", b"")


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def wav(seconds: float = 2.0, rate: int = 24_000) -> bytes:
    """Return a falling tone, mono, 16 bits."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        count = int(seconds * rate)
        tone = (math.sin(math.tau * (660 - 220 * n / count) * n / rate) * (1 - n / count) for n in range(count))
        file.writeframes(b"".join(struct.pack("<h", int(each * 12_000)) for each in tone))
    return out.getvalue()


def mp3(frames: int = 77) -> bytes:
    """Return silence: MPEG 1 layer III, 128 kbit/s, 44.1 kHz, 26 ms a frame."""
    return (b"\xff\xfb\x90\xc4" + bytes(413)) * frames


def pdf() -> bytes:
    """Return a document of one page."""
    words = b"BT /F1 24 Tf 72 700 Td (A sample from the simulator) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(words), words),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, at = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        at.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in at)
    tail = b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + tail % (len(at) + 1, table, len(at) + 1, len(out))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _mp4_head() -> bytes:
    """Return the boxes before the film: the type, and a header that says five seconds."""
    scale, seconds = 1000, 5
    times = struct.pack(">IIII", 0, 0, scale, scale * seconds)
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    movie = bytes(4) + times + struct.pack(">IH", 0x10000, 0x100) + bytes(10) + matrix + bytes(24)
    kind = _box(b"ftyp", b"mp42" + bytes(4) + b"mp42isom")
    return kind + _box(b"moov", _box(b"mvhd", movie + struct.pack(">I", 2)))


def mp4(size: int) -> Iterator[bytes]:
    """Yield a video of `size` bytes, piece by piece."""
    head = _mp4_head()
    yield head + struct.pack(">I", size - len(head)) + b"mdat"
    left = size - len(head) - 8
    filler = random.Random(size).randbytes(FILLER)
    while left > 0:
        yield filler[:left]
        left -= FILLER


def _whole(content_type: str, content: bytes) -> Sample:
    return Sample(content_type, len(content), lambda: iter((content,)))


def _video(megabytes: int) -> Sample:
    size = megabytes * MEGABYTE
    return Sample("video/mp4", size, lambda: mp4(size))


MAKERS: dict[str, Callable[[], Sample]] = {
    "photo-3mb.png": lambda: _whole("image/png", png()),
    "video-25mb.mp4": lambda: _video(25),
    "video-60mb.mp4": lambda: _video(60),
    "voice.wav": lambda: _whole("audio/wav", wav()),
    "voice.mp3": lambda: _whole("audio/mpeg", mp3()),
    "季度报告.pdf": lambda: _whole("application/pdf", pdf()),
}


@cache
def sample(name: str) -> Sample:
    """Return the sample of that name, made once; raises KeyError."""
    return MAKERS[name]()


def add_sample_routes(app: web.Application) -> None:
    """Serve every sample below `/_sim/samples/`, and their names at `/_sim/samples`."""
    app.router.add_get(PATH.rstrip("/"), _list)
    app.router.add_get(PATH + "{name}", _send)


async def _list(request: web.Request) -> web.Response:
    return web.json_response({"samples": list(MAKERS)})


async def _send(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in MAKERS:
        raise web.HTTPNotFound
    file = sample(name)
    response = web.StreamResponse(headers={"Content-Type": file.content_type, "Cache-Control": "max-age=3600"})
    response.content_length = file.size
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    for piece in file.pieces():
        await response.write(piece)
    await response.write_eof()
    return response
