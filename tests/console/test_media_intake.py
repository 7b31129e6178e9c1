"""Files come into the library whole and once, or not at all."""

from __future__ import annotations

import io
import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5, sha1, sha256
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from qqconsole.media import child
from qqconsole.media.intake import take_in
from qqconsole.media.kinds import HARD_LIMIT, as_sent
from qqconsole.media.models import MediaFile
from qqconsole.media.reasons import NOTES, PROBLEMS, MediaProblem, in_words
from qqconsole.media.thumbnails import draw_frame
from simulator import samples
from tests.console.media_files import PAGE, SVG, bomb, by_ffmpeg, film, huge_film, noise, picture, turned

MEGABYTE = 1_048_576


def taken(data: bytes, name: str = "x") -> MediaFile:
    return take_in(io.BytesIO(data), name=name)


def left(home: Path) -> list[str]:
    """Everything that lies in the data folder."""
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())


@pytest.mark.django_db
def test_one_pass_tells_what_qq_wants_to_know(library: Path) -> None:
    data = noise(10_002_432) + b"more"

    file = taken(data, "大文件.bin")

    assert (file.size, file.sha256) == (len(data), sha256(data).hexdigest())
    assert (file.md5, file.sha1) == (md5(data).hexdigest(), sha1(data).hexdigest())
    assert file.md5_10m == md5(data[:10_002_432]).hexdigest()
    assert (library / "media" / str(file.file.name)).read_bytes() == data
    assert (library / "media" / str(file.file.name)).stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "mime", "kind", "width", "duration_ms"),
    [
        (picture(), "image/png", "image", 64, None),
        (picture(form="JPEG"), "image/jpeg", "image", 64, None),
        (turned(), "image/jpeg", "image", 48, None),
        (picture(form="GIF", mode="P"), "image/gif", "image", 64, None),
        (picture(form="WEBP"), "image/webp", "image", 64, None),
        (picture(form="BMP"), "image/bmp", "image", 64, None),
        (film(), "video/mp4", "video", None, 5000),
        (samples.wav(), "audio/wav", "voice", None, 2000),
        (samples.mp3(), "audio/mpeg", "voice", None, 2011),
        (samples.pdf(), "application/pdf", "file", None, None),
        ("一些文字".encode() * 3000, "text/plain", "file", None, None),
        (noise(), "", "file", None, None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_content_says_what_it_is(
    library: Path, data: bytes, mime: str, kind: str, width: int | None, duration_ms: int | None
) -> None:
    file = taken(data, "a.exe")

    assert (file.mime, file.kind, file.width, file.duration_ms) == (mime, kind, width, duration_ms)
    assert bool(file.thumbnail) == (kind == "image")
    assert as_sent(file) == (kind, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "note"),
    [
        (picture(form="TIFF"), "picture_type"),
        (SVG, "picture_type"),
        (bomb(), "picture_bomb"),
        (b"\x89PNG\r\n\x1a\n" + noise(), "picture_unreadable"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(28), "voice_unconvertible"),
        (film().replace(b"ftypmp42", b"ftypqt  ", 1), "video_type"),
    ],
    ids=["tiff", "svg", "bomb", "broken", "wav", "mov"],
)
def test_what_qq_does_not_show_goes_as_a_file_and_says_so(library: Path, data: bytes, note: str) -> None:
    file = taken(data, "a.png")

    assert as_sent(file) == ("file", note)
    assert not file.thumbnail
    assert in_words(note) != note


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (picture()[:3000], "truncated"),
        (picture(form="JPEG")[:1000], "truncated"),
        (picture(form="GIF", mode="P")[:1500], "truncated"),
        (picture(form="WEBP")[:1000], "truncated"),
        (film()[:-1], "truncated"),
        (samples.wav()[:-100], "truncated"),
    ],
    ids=["empty", "png", "jpeg", "gif", "webp", "mp4", "wav"],
)
def test_what_cannot_be_taken_leaves_nothing(library: Path, data: bytes, reason: str) -> None:
    with pytest.raises(MediaProblem) as refused:
        taken(data)

    assert refused.value.reason == reason
    assert left(library) == []
    assert not MediaFile.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("length", "reason"), [(HARD_LIMIT + 1, "too_large"), (0, "empty"), (5, "truncated")])
def test_the_announced_length_is_believed_before_and_checked_after(library: Path, length: int, reason: str) -> None:
    with pytest.raises(MediaProblem) as refused:
        take_in(io.BytesIO(b"four"), name="x", length=length)

    assert refused.value.reason == reason
    assert left(library) == []


@pytest.mark.django_db
def test_an_endless_stream_is_cut_at_the_limit(library: Path) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    with pytest.raises(MediaProblem) as refused:
        take_in(Endless(), name="x", limit=3_000_000)  # type: ignore[arg-type]

    assert refused.value.reason == "too_large"
    assert left(library) == []


@pytest.fixture
def small_files() -> Iterator[None]:
    """The kernel lets no file of this process grow beyond 64 KB: a full disk, as far as a writer can tell."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.django_db
def test_a_full_disk_is_named_and_leaves_nothing(library: Path, small_files: None) -> None:
    with pytest.raises(MediaProblem) as refused:
        taken(noise(200_000))

    assert refused.value.reason == "disk_full"
    assert left(library) == []


@pytest.mark.django_db
def test_a_file_larger_than_what_is_free_is_refused_before_a_byte_is_read(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1_000_000})())
    stream = io.BytesIO(b"x" * 100)

    with pytest.raises(MediaProblem) as refused:
        take_in(stream, name="x", length=100)

    assert refused.value.reason == "disk_full"
    assert stream.tell() == 0


@pytest.mark.django_db
def test_the_same_content_is_stored_once_under_its_first_name(library: Path) -> None:
    first, second = taken(picture(form="BMP"), "one.bmp"), taken(noise(), "two")
    data = (library / "media" / str(first.file.name)).read_bytes()

    again = taken(data, "another.bmp")

    assert (again.pk, again.name) == (first.pk, "one.bmp")
    assert second.pk != first.pk
    assert len(left(library)) == 3  # two files, one thumbnail
    assert again.last_used_at > first.last_used_at


@pytest.mark.django_db(transaction=True)
def test_ten_who_bring_the_same_at_once_leave_one_row_and_one_file(library: Path) -> None:
    data, start = noise(300_000), threading.Barrier(10)

    def bring(number: int) -> int:
        start.wait()
        try:
            return taken(data, f"{number}").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        numbers = set(pool.map(bring, range(10)))

    assert len(numbers) == MediaFile.objects.count() == 1
    assert left(library) == [f"media/{MediaFile.objects.get().file.name}"]


@pytest.mark.django_db
def test_content_that_was_lost_from_the_storage_comes_back(library: Path) -> None:
    data = noise()
    first = taken(data)
    (library / "media" / str(first.file.name)).unlink()

    again = taken(data)

    assert again.pk == first.pk
    assert (library / "media" / str(again.file.name)).read_bytes() == data


@pytest.mark.django_db
def test_a_path_that_leads_nowhere_is_gone(library: Path) -> None:
    with pytest.raises(MediaProblem) as refused:
        take_in(library / "nothing", name="x")

    assert refused.value.reason == "gone"


@pytest.mark.django_db
def test_a_failing_row_takes_its_file_along(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any, **named: Any) -> None:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(MediaFile.objects, "get_or_create", fail)

    with pytest.raises(RuntimeError):
        taken(picture())

    assert left(library) == []


@pytest.mark.django_db
def test_a_video_shows_a_frame_where_ffmpeg_is(library: Path, tmp_path: Path) -> None:
    film_of_two_seconds = ["-f", "lavfi", "-i", "testsrc=size=640x360:d=2", "-pix_fmt", "yuv420p"]

    file = taken(by_ffmpeg(tmp_path, "v.mp4", *film_of_two_seconds), "v.mp4")

    assert (file.kind, file.width, file.height, file.duration_ms) == ("video", 640, 360, 2000)
    assert (library / "media" / str(file.thumbnail.name)).read_bytes()[8:12] == b"WEBP"


def test_a_video_that_asks_for_more_memory_than_there_may_be_goes_without_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "film").write_bytes(huge_film(tmp_path, frames=2))
    # Enough to start with, not for the first frame.
    monkeypatch.setattr(child, "MEMORY", 250 * MEGABYTE)

    assert not draw_frame(tmp_path / "film", tmp_path / "thumbnail.webp")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film", "frame.png", "huge.mov", "tone.wav"]


def by_size(kind: str, size: int, **facts: Any) -> MediaFile:
    return MediaFile(kind=kind, size=size, **facts)


@pytest.mark.parametrize(
    ("file", "wanted", "answer"),
    [
        (by_size("image", 20 * MEGABYTE), "", ("image", "")),
        (by_size("image", 20 * MEGABYTE + 1), "", ("file", "image_too_large")),
        (by_size("video", 30 * MEGABYTE), "video", ("video", "")),
        (by_size("video", 60 * MEGABYTE), "video", ("file", "video_too_large")),
        (by_size("voice", 60 * MEGABYTE, duration_ms=599_000), "", ("voice", "")),
        (by_size("voice", MEGABYTE, duration_ms=601_000), "voice", ("file", "voice_too_long")),
        (by_size("image", 10), "file", ("file", "")),
        (by_size("image", 10), "video", ("image", "is_image")),
        (by_size("video", 10), "voice", ("video", "is_video")),
        (by_size("file", 10, mime="video/x-matroska"), "video", ("file", "video_type")),
        (by_size("file", 10, mime="application/pdf"), "", ("file", "")),
    ],
)
def test_what_it_is_sent_as_is_known_beforehand(file: MediaFile, wanted: str, answer: tuple[str, str]) -> None:
    assert as_sent(file, wanted) == answer


@pytest.mark.parametrize("wanted", ["image", "video", "voice"])
def test_a_web_page_is_no_picture(wanted: str) -> None:
    with pytest.raises(MediaProblem) as refused:
        as_sent(by_size("file", len(PAGE), mime="text/html"), wanted)

    assert refused.value.reason == "wrong_type"


@pytest.mark.parametrize("table", [PROBLEMS, NOTES])
def test_every_word_is_said_in_chinese(table: dict[str, Any], settings: Any) -> None:
    from django.utils import translation

    say: Callable[[str], str] = in_words
    with translation.override("zh-hans"):
        assert all(any("\u4e00" <= letter <= "\u9fff" for letter in say(word)) for word in table)
