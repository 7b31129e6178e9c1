"""Files for tests of the library: real ones, broken ones, hostile ones."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from simulator import samples

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PAGE = b"<!DOCTYPE html><html><body>404</body></html>"


def picture(width: int = 64, height: int = 48, form: str = "PNG", mode: str = "RGB") -> bytes:
    """Noise, so that a cut takes something away."""
    out = io.BytesIO()
    Image.effect_noise((width, height), 80).convert(mode).save(out, form)
    return out.getvalue()


def turned(width: int = 64, height: int = 48) -> bytes:
    """A photograph that says it was taken with the camera on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(out, "JPEG", exif=exif)
    return out.getvalue()


def bomb() -> bytes:
    """A hundred kilobytes that unpack to 900 million pixels."""
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    return out.getvalue()


def film(size: int = 100_000) -> bytes:
    """An MP4 of five seconds."""
    return b"".join(samples.mp4(size))


def by_ffmpeg(folder: Path, name: str, *arguments: str) -> bytes:
    """A file that ffmpeg makes; the test is skipped where there is none."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("not installed: ffmpeg (scripts/test_packages.sh installs it as root)")
    source = folder / "tone.wav"
    source.write_bytes(samples.wav())
    subprocess.run([program, "-v", "error", *arguments, str(folder / name)], check=True, cwd=folder)
    return (folder / name).read_bytes()


def huge_film(folder: Path, frames: int) -> bytes:
    """A few hundred kilobytes of video whose every frame unpacks to 100 megabytes."""
    Image.new("RGBA", (5_000, 5_000)).save(folder / "frame.png", compress_level=9)
    given = [
        "-f",
        "image2",
        "-loop",
        "1",
        "-framerate",
        "30",
        "-i",
        "frame.png",
        "-c",
        "copy",
        "-frames:v",
        str(frames),
    ]
    return by_ffmpeg(folder, "huge.mov", *given)


def noise(size: int = 1_000) -> bytes:
    """Nothing anybody knows: the first byte begins no known format."""
    return b"\xee" + os.urandom(size - 1)
