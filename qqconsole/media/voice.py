"""A recording as QQ takes a voice message: WAV, MP3, Ogg Vorbis and FLAC by miniaudio; M4A, AMR and Opus by ffmpeg."""

from __future__ import annotations

from pathlib import Path

from qqconsole.media import child
from qqconsole.media.kinds import LONGEST_VOICE
from qqconsole.media.sniffing import SILK, SOUNDS, SOUNDS_FOR_FFMPEG

PATIENCE = 120.0
"""Seconds for ten minutes of sound on a slow machine."""
_MARK, _END = b"#!SILK_V3", b"\xff\xff"


class NoVoice(Exception):
    """It goes as a file. ``note`` is the code word that says why."""

    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.note = note


def write_silk(source: Path, mime: str, result: Path) -> int | None:
    """Write the sound of ``source`` as SILK to the new file ``result``. Blocks: not for the loop.

    Returns its length in milliseconds where it is known. Raises NoVoice; then there is no ``result``.
    """
    try:
        if mime == SILK:
            _mark(source, result)
            return None
        if mime in SOUNDS:
            return _encode(source, result)
        if mime in SOUNDS_FOR_FFMPEG:
            return _decode_and_encode(source, SOUNDS_FOR_FFMPEG[mime], result)
        raise NoVoice("voice_unconvertible")
    except BaseException:
        result.unlink(missing_ok=True)
        raise


def is_ready(head: bytes) -> bool:
    """Whether QQ takes it as it is: with Tencent's mark."""
    return head.startswith(b"\x02" + _MARK)


def _mark(source: Path, result: Path) -> None:
    """SILK as others write it: Tencent's begins with one byte more and does without the end mark."""
    data = source.read_bytes() if source.stat().st_size <= 20 * 1_048_576 else b""
    if not data.startswith(_MARK):
        raise NoVoice("voice_unconvertible")
    result.write_bytes(b"\x02" + data.removesuffix(_END))


def _encode(source: Path, result: Path) -> int:
    answer = child.ask("sound", "silk", str(LONGEST_VOICE), str(source), str(result), seconds=PATIENCE)
    problem = answer.get("problem")
    if problem:
        raise NoVoice("voice_too_long" if problem == "too_long" else "voice_unconvertible")
    return int(answer["duration_ms"])


def _decode_and_encode(source: Path, demuxer: str, result: Path) -> int:
    program = child.ffmpeg()
    if program is None:
        raise NoVoice("voice_unconvertible")
    wav = result.with_suffix(".wav")
    # A second more than allowed, so that what is too long is seen to be.
    target = ["-vn", "-t", str(LONGEST_VOICE + 1), "-ac", "1", "-ar", "24000", "-c:a", "pcm_s16le", "-f", "wav"]
    given = ["-nostdin", "-v", "fatal", "-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{source}"]
    try:
        if child.run_bounded([program, *given, *target, f"file:{wav}"], PATIENCE) is None:
            raise NoVoice("voice_unconvertible")
        return _encode(wav, result)
    finally:
        wav.unlink(missing_ok=True)
