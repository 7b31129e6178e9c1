"""A frame of a video as its thumbnail, where ffmpeg is present; without one an icon stands for it."""

from __future__ import annotations

from pathlib import Path

from qqconsole.media import child

PATIENCE = 20.0
"""Seconds; what takes longer goes without."""


def draw_frame(path: Path, thumbnail: Path) -> bool:
    """Write a telling frame of the first second or two; False where that is not possible. Blocks.

    ffmpeg may open this one file, and only as what it is: an address or a playlist inside it is not followed.
    """
    program = child.ffmpeg()
    if program is None:
        return False
    frame = thumbnail.with_suffix(".png")
    # Made small first: the frames to choose from are held all at once.
    telling = "scale=640:640:force_original_aspect_ratio=decrease,thumbnail=30"
    source = ["-protocol_whitelist", "file", "-max_alloc", "400000000", "-threads", "1", "-f", "mov"]
    picture = ["-an", "-sn", "-dn", "-frames:v", "1", "-vf", telling, "-c:v", "png", "-f", "image2"]
    command = [program, "-nostdin", "-v", "fatal", *source, "-i", f"file:{path}", *picture, f"file:{frame}"]
    try:
        if child.run_bounded(command, PATIENCE) is None or not frame.exists():
            return False
        return "problem" not in child.ask("picture", str(frame), str(thumbnail), seconds=PATIENCE)
    finally:
        frame.unlink(missing_ok=True)
