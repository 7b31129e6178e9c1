"""A small PNG drawn in code: hills before a low sun, for the demo's `send_media`."""

from __future__ import annotations

import functools
import math
import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Colour = tuple[int, int, int]
SKY_TOP: Colour = (38, 56, 110)
SKY_LOW: Colour = (250, 190, 140)
SUN: Colour = (255, 236, 190)
RIDGES: tuple[tuple[float, float, float, Colour], ...] = (
    # base height, height of the waves, their number, colour: from the far ridge to the near one
    (0.60, 0.07, 1.4, (150, 116, 140)),
    (0.70, 0.06, 2.1, (96, 84, 122)),
    (0.81, 0.05, 2.9, (52, 56, 92)),
    (0.91, 0.03, 4.3, (24, 32, 58)),
)


def _mixed(low: Colour, high: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue


def _ridge(x: float, base: float, wave: float, number: float) -> float:
    return base + wave * math.sin(number * math.tau * x + base * 9) + wave * 0.4 * math.sin(number * 17 * x)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@functools.cache
def demo_png(width: int = 480, height: int = 300) -> bytes:
    """Return the picture as PNG bytes; drawn once for a size, then kept."""
    lines = [[_ridge(x / width, base, wave, number) * height for x in range(width)] for base, wave, number, _ in RIDGES]
    sun_x, sun_y, sun_r = width * 0.68, height * 0.44, height * 0.11
    rows = bytearray()
    for y in range(height):
        sky = _mixed(SKY_TOP, SKY_LOW, min(1.0, (y / (height * 0.66)) ** 1.25))
        rows.append(0)
        for x in range(width):
            colour = sky
            distance = math.hypot(x - sun_x, y - sun_y)
            if distance < sun_r * 3:
                glow = max(0.0, 1 - distance / (sun_r * 3)) ** 2
                colour = SUN if distance < sun_r else _mixed(sky, SUN, glow)
            for line, (_, _, _, tone) in zip(lines, RIDGES, strict=True):
                if y >= line[x]:
                    colour = tone
            rows.extend(colour)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + _chunk(b"IEND", b"")
