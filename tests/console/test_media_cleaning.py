"""The clean-up takes what nobody needs, and nothing else."""

from __future__ import annotations

import io
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from qqconsole.conversations.models import Session
from qqconsole.media.cleaning import clean
from qqconsole.media.intake import take_in
from qqconsole.media.models import FileInfo, MediaFile, MediaUse
from qqconsole.media.storage import new_place
from qqconsole.media.tasks import clean_media
from tests.console.media_files import noise, picture
from tests.console.rows import make_delivery

MONTH = timedelta(days=30)


def taken(data: bytes, *, days_ago: int) -> MediaFile:
    file = take_in(io.BytesIO(data), name="x")
    MediaFile.objects.filter(pk=file.pk).update(last_used_at=timezone.now() - timedelta(days=days_ago))
    return file


def left(home: Path) -> set[str]:
    return {path.name for path in home.rglob("*") if path.is_file()}


def lay(path: Path, *, days_ago: int) -> None:
    """A file without a row, as old as that, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    then = time.time() - days_ago * 86_400
    os.utime(path, (then, then))
    os.utime(path.parent, (then, then))


def name_of(file: MediaFile) -> str:
    return Path(str(file.file.name)).name


def test_old_files_go_and_named_ones_stay(library: Path, session: Session) -> None:
    old, young = taken(picture(), days_ago=31), taken(noise(), days_ago=29)
    sent, used, recording, voice = (taken(noise(), days_ago=400) for _ in range(4))
    make_delivery(session, kind="media", item=sent)
    make_delivery(session, kind="media", item=recording)
    MediaUse.objects.create(file=used, delivery=make_delivery(session))
    MediaFile.objects.filter(pk=recording.pk).update(silk=voice)

    cleaned = clean(MONTH)

    assert (cleaned.files, cleaned.size) == (1, old.size)
    kept = {young, sent, used, recording, voice}
    assert set(MediaFile.objects.all()) == kept
    assert left(library) == {name_of(file) for file in kept}


def test_a_dry_run_removes_nothing(library: Path, session: Session) -> None:
    taken(picture(), days_ago=31)
    before = left(library)

    assert clean(MONTH, dry_run=True).files == 1
    assert MediaFile.objects.count() == 1
    assert left(library) == before


@pytest.mark.django_db
def test_what_a_crash_left_goes_after_a_day(library: Path) -> None:
    kept = taken(noise(), days_ago=0)
    young, old = (
        [
            f"media/{new_place('files', 'ab' * 32)}",
            f"media/{new_place('thumbnails', 'ab' * 32, '.webp')}",
            f"incoming/{name}/c",
        ]
        for name in ("t0", "t2")
    )
    for place in young:
        lay(library / place, days_ago=0)
    for place in old:
        lay(library / place, days_ago=2)

    assert clean(MONTH).orphans == 3
    assert left(library) == {name_of(kept), *(Path(place).name for place in young)}
    assert [path.name for path in (library / "incoming").iterdir()] == ["t0"]


@pytest.mark.django_db
def test_what_others_keep_beside_ours_stays(library: Path) -> None:
    for name in ("report.pdf", "ab" * 32, f"{'cd' * 32}-12345678"):
        lay(library / "media/files/ab" / name, days_ago=400)

    assert clean(MONTH).orphans == 0
    assert len(left(library)) == 3


@pytest.mark.django_db
def test_ended_file_infos_go(library: Path, session: Session) -> None:
    file = taken(noise(), days_ago=0)
    for scene, until in (("c2c", timezone.now() - MONTH), ("group", None)):
        FileInfo.objects.create(
            bot=session.bot, scene=scene, file=file, kind="file", name="x", file_info="I", until=until
        )

    assert clean(MONTH).infos == 1
    assert FileInfo.objects.get().scene == "group"


def test_the_command_says_what_it_did(library: Path, session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    taken(noise(2 * 1_048_576), days_ago=8)

    call_command("media", "clean", "--older-than", "7", "--dry-run")
    call_command("media", "clean", "--older-than", "7")
    call_command("media", "clean", "--older-than", "7")

    assert capsys.readouterr().out.splitlines() == [
        "Would remove 1 files (2.0 MB), 0 left by crashes, 0 ended file_infos.",
        "Removed 1 files (2.0 MB), 0 left by crashes, 0 ended file_infos.",
        "Removed 0 files (0.0 MB), 0 left by crashes, 0 ended file_infos.",
    ]
    with pytest.raises(CommandError):
        call_command("media", "clean", "--older-than", "-1")


def test_the_nightly_task_keeps_what_the_settings_say(library: Path, session: Session) -> None:
    old, young = taken(noise(), days_ago=31), taken(noise(), days_ago=29)

    clean_media()

    assert set(MediaFile.objects.all()) == {young}
    assert old not in MediaFile.objects.all()
