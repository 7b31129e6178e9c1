"""What the sender asks about an item, answered from the library."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pysilk
import pytest
from aiohttp import web
from asgiref.sync import sync_to_async
from django.utils import timezone

from adapter.answers import Accepted, Refused
from adapter.content import BytesContent, ContentGone
from adapter.outside import Outside
from adapter.pieces import MediaItem, MediaKind
from adapter.targets import Scene, Target
from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Delivery
from qqconsole.media import child
from qqconsole.media.desk import ConsoleDesk
from qqconsole.media.intake import take_in
from qqconsole.media.models import FileInfo, MediaFile, MediaUse
from simulator import samples
from tests.console.media_files import PAGE, by_ffmpeg, film, picture
from tests.console.rows import make_bot, make_delivery, make_session

pytestmark = pytest.mark.django_db(transaction=True)
USER, GROUP = Target(Scene.C2C, "U1"), Target(Scene.GROUP, "G1")


async def ask(query: Callable[[], Any], /) -> Any:
    return await sync_to_async(query)()


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    outside = Outside()
    yield outside
    await outside.close()


@pytest.fixture
def bot(db: None) -> Bot:
    return make_bot()


@pytest.fixture
def delivery(bot: Bot) -> Delivery:
    return make_delivery(make_session(bot))


@pytest.fixture
def desk(library: Path, bot: Bot, delivery: Delivery, outside: Outside) -> ConsoleDesk:
    return ConsoleDesk(bot.pk, delivery.pk, ask, ask, outside, allow_private=True)


async def prepared(desk: ConsoleDesk, item: MediaItem, target: Target = USER) -> MediaItem:
    answer = await desk.prepare(item, target)
    assert isinstance(answer, MediaItem), answer
    return answer


async def read(item: MediaItem) -> bytes:
    assert item.content is not None
    return await item.content.read(0, item.content.size)


@sync_to_async
def stored(data: bytes, name: str) -> MediaFile:
    return take_in(io.BytesIO(data), name=name)


async def test_a_models_bytes_come_into_the_library_and_stay_with_its_delivery(
    desk: ConsoleDesk, delivery: Delivery
) -> None:
    data = picture()

    item = await prepared(desk, MediaItem(MediaKind.IMAGE, data=data, name="../猫.png"))

    assert (item.kind, item.name, item.data, item.url, item.note) == (MediaKind.IMAGE, "猫.png", None, None, "")
    assert await read(item) == data
    use = await MediaUse.objects.select_related("file").aget()
    assert (use.file_id, use.delivery_id, use.file.size) == (item.file_id, delivery.pk, len(data))


async def test_content_from_elsewhere_is_copied(desk: ConsoleDesk) -> None:
    data = film(3_000_000)

    item = await prepared(desk, MediaItem(MediaKind.VIDEO, content=BytesContent(data), name="v.mp4"))

    assert await read(item) == data
    assert item.content is not None
    assert item.content.sums == BytesContent(data).sums


async def test_an_address_is_left_to_qq(desk: ConsoleDesk) -> None:
    item = MediaItem(MediaKind.IMAGE, url="https://example.org/a.png")

    assert await desk.prepare(item, USER) is item


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (MediaItem(MediaKind.IMAGE, data=PAGE), "neither a picture"),
        (MediaItem(MediaKind.IMAGE, data=b""), "empty"),
        (MediaItem(MediaKind.IMAGE, data=picture()[:2000]), "cut off"),
        (MediaItem(MediaKind.IMAGE, url="data:image/png,%zz;base64"), ""),
        (MediaItem(MediaKind.IMAGE, file_id=12345), "no longer"),
    ],
)
async def test_what_cannot_be_sent_is_told_in_words(desk: ConsoleDesk, item: MediaItem, words: str) -> None:
    answer = await desk.prepare(item, USER)

    assert isinstance(answer, str)
    assert words in answer


async def test_the_wrong_kind_is_put_right(desk: ConsoleDesk) -> None:
    item = await prepared(desk, MediaItem(MediaKind.VIDEO, data=picture(), name="a"))

    assert (item.kind, item.note, item.name) == (MediaKind.IMAGE, "is_image", "a.png")


@pytest.mark.parametrize("data", [samples.wav(), samples.mp3()], ids=["wav", "mp3"])
async def test_a_recording_becomes_silk_once(desk: ConsoleDesk, data: bytes) -> None:
    item = MediaItem(MediaKind.VOICE, data=data, name="voice.wav")

    first = await prepared(desk, item)
    second = await prepared(desk, MediaItem(MediaKind.VOICE, file_id=first.file_id))

    silk = await read(first)
    pcm = io.BytesIO()
    pysilk.decode(io.BytesIO(silk), pcm, 24_000)
    assert silk.startswith(b"\x02#!SILK_V3")
    assert len(pcm.getvalue()) / 2 / 24_000 == pytest.approx(2.0, abs=0.1)
    assert first.note == "voice_converted"
    assert await read(second) == silk
    assert await MediaFile.objects.acount() == 2
    assert (await MediaFile.objects.aget(pk=first.file_id)).size == len(data)


async def test_decoders_that_take_long_keep_nobody_elses_thread(desk: ConsoleDesk, library: Path) -> None:
    for _ in range(child.MOST):
        child.AT_ONCE.acquire()
    pictures = [MediaItem(MediaKind.IMAGE, data=picture(40 + number, 40)) for number in range(40)]
    preparing = [asyncio.ensure_future(desk.prepare(item, USER)) for item in pictures]
    try:
        # The loop's own threads write each one down, though none before it has been looked at yet.
        async with asyncio.timeout(30):
            while len([*library.glob("incoming/*/content")]) < len(pictures):  # noqa: ASYNC110, ASYNC240 - it tells nobody
                await asyncio.sleep(0.02)
            assert await asyncio.to_thread(lambda: "free") == "free"
    finally:
        for task in preparing:
            task.cancel()
        for _ in range(child.MOST):
            child.AT_ONCE.release()
        await asyncio.gather(*preparing, return_exceptions=True)


async def test_what_is_silk_already_goes_as_it_is(desk: ConsoleDesk) -> None:
    silk = await read(await prepared(desk, MediaItem(MediaKind.VOICE, data=samples.wav())))

    item = await prepared(desk, MediaItem(MediaKind.VOICE, data=silk, name="a.silk"))
    marked = await prepared(desk, MediaItem(MediaKind.VOICE, data=silk[1:] + b"\xff\xff", name="b.silk"))

    assert (item.note, await read(item)) == ("", silk)
    assert (marked.note, await read(marked)) == ("voice_converted", silk)


async def test_a_recording_for_ffmpeg_is_converted_too(desk: ConsoleDesk, tmp_path: Path) -> None:
    data = by_ffmpeg(tmp_path, "a.m4a", "-i", "tone.wav")

    item = await prepared(desk, MediaItem(MediaKind.VOICE, data=data, name="a.m4a"))

    assert (item.kind, item.note) == (MediaKind.VOICE, "voice_converted")
    assert (await read(item)).startswith(b"\x02#!SILK_V3")


async def test_what_no_decoder_takes_goes_as_a_file(desk: ConsoleDesk) -> None:
    data = b"OggS" + bytes(24) + b"OpusHead" + bytes(100)

    item = await prepared(desk, MediaItem(MediaKind.VOICE, data=data, name="a.opus"))

    assert (item.kind, item.note, item.name) == (MediaKind.FILE, "voice_unconvertible", "a.opus")
    assert await read(item) == data


async def test_file_info_is_remembered_for_its_scene_alone(desk: ConsoleDesk) -> None:
    item = await prepared(desk, MediaItem(MediaKind.IMAGE, data=picture()))
    await desk.uploaded(item, USER, "INFO", 300)

    assert (await prepared(desk, item)).file_info == "INFO"
    assert (await prepared(desk, item, GROUP)).file_info == ""
    assert (await prepared(desk, MediaItem(MediaKind.FILE, file_id=item.file_id))).file_info == ""


async def test_a_file_is_remembered_by_its_name_too(desk: ConsoleDesk) -> None:
    file = await stored(samples.pdf(), "报告.pdf")
    item = await prepared(desk, MediaItem(MediaKind.FILE, file_id=file.pk, name="一月.pdf"))
    await desk.uploaded(item, USER, "INFO", 0)

    assert (await prepared(desk, item)).file_info == "INFO"
    assert (await prepared(desk, MediaItem(MediaKind.FILE, file_id=file.pk, name="二月.pdf"))).file_info == ""


async def test_an_ended_or_spent_file_info_is_uploaded_again(desk: ConsoleDesk) -> None:
    item = await prepared(desk, MediaItem(MediaKind.IMAGE, data=picture()))
    await desk.uploaded(item, USER, "FIRST", 300)
    await FileInfo.objects.aupdate(until=timezone.now() + timedelta(seconds=9))
    assert (await prepared(desk, item)).file_info == ""

    await desk.uploaded(item, USER, "SECOND", 0)
    again = await prepared(desk, item)
    assert again.file_info == "SECOND"

    # Somebody's older one is refused: the newer stays.
    await desk.spent(MediaItem(MediaKind.IMAGE, file_id=item.file_id, file_info="FIRST"), USER)
    assert (await prepared(desk, item)).file_info == "SECOND"
    await desk.spent(again, USER)
    assert (await prepared(desk, item)).file_info == ""


async def test_what_qq_gave_no_time_for_is_not_remembered(desk: ConsoleDesk) -> None:
    item = await prepared(desk, MediaItem(MediaKind.IMAGE, data=picture()))

    await desk.uploaded(item, USER, "INFO", None)

    assert not await FileInfo.objects.aexists()


@pytest.mark.parametrize("harm", ["moved", "cut", "changed"])
async def test_a_stored_file_that_is_another_by_now_is_gone(desk: ConsoleDesk, library: Path, harm: str) -> None:
    file = await stored(b"the one and only" * 100, "a.bin")
    item = await prepared(desk, MediaItem(MediaKind.FILE, file_id=file.pk))
    path = library / "media" / str(file.file.name)
    if harm == "moved":
        path.unlink()
    else:
        path.write_bytes(b"the one and" if harm == "cut" else b"some other thing" * 100)

    with pytest.raises(ContentGone):
        await read(item)
    # A day later it is still seen, though nobody holds it open.
    await MediaFile.objects.aupdate(created_at=timezone.now() - timedelta(days=1))
    answer = await desk.prepare(MediaItem(MediaKind.FILE, file_id=file.pk), USER)
    assert isinstance(answer, str)
    assert "no longer" in answer


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A server that gives a recording, a web page, and nothing."""

    async def give(request: web.Request) -> web.Response:
        bodies = {"/voice.mp3": samples.mp3(), "/page.png": PAGE, "/empty": b""}
        return web.Response(body=bodies[request.path], content_type="image/png")

    app = web.Application()
    app.router.add_get("/{any}", give)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_voice_by_address_is_fetched_and_converted(desk: ConsoleDesk, address: str, library: Path) -> None:
    answer, item = await desk.fetch(MediaItem(MediaKind.VOICE, url=f"{address}/voice.mp3"))

    assert isinstance(answer, Accepted)
    assert item is not None
    assert (item.kind, item.url, item.name) == (MediaKind.VOICE, None, "voice.mp3")
    assert (await read(item)).startswith(b"\x02#!SILK_V3")
    assert list((library / "incoming").iterdir()) == []


@pytest.mark.parametrize(("path", "words"), [("/page.png", "neither a picture"), ("/empty", "empty")])
async def test_an_address_that_lies_is_refused_for_good(desk: ConsoleDesk, address: str, path: str, words: str) -> None:
    answer, item = await desk.fetch(MediaItem(MediaKind.IMAGE, url=address + path))

    assert isinstance(answer, Refused)
    assert answer.permanent
    assert words in answer.exchange.message
    assert item is None


async def test_an_inside_address_is_not_asked(library: Path, bot: Bot, outside: Outside, address: str) -> None:
    desk = ConsoleDesk(bot.pk, None, ask, ask, outside)

    answer, item = await desk.fetch(MediaItem(MediaKind.VOICE, url=f"{address}/voice.mp3"))

    assert isinstance(answer, Refused)
    assert item is None
    assert not await MediaFile.objects.aexists()
