"""The sample files are what they say; the platform takes each; and large ones never lie in its memory."""

import io
import re
import struct
import subprocess
import sys
import wave
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import aiohttp
import pytest
from bot_caller import USER, BotCaller
from test_platform_media import finish, put, sums

from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator
from simulator.model.tool_scripts import MEDIA
from simulator.samples import MAKERS, MEGABYTE, sample

KINDS = {"image": 1, "video": 2, "voice": 3, "file": 4}


def content(name: str) -> bytes:
    return b"".join(sample(name).pieces())


@pytest.mark.parametrize("name", MAKERS)
async def test_a_sample_is_served_with_its_type_and_size(qq: BotCaller, sim: Simulator, name: str) -> None:
    async with qq.http.get(f"{sim.url}/_sim/samples/{name}") as answer:
        assert (answer.content_type, answer.content_length) == (sample(name).content_type, sample(name).size)
        size = 0
        async for piece in answer.content.iter_any():
            size += len(piece)
    assert size == sample(name).size


async def test_no_other_file_is_served(qq: BotCaller, sim: Simulator) -> None:
    async with qq.http.get(f"{sim.url}/_sim/samples/..%2fsamples.py") as answer:
        assert answer.status == 404


def test_the_photo_has_its_pixels() -> None:
    data = content("photo-3mb.png")
    assert len(data) == pytest.approx(3 * MEGABYTE, rel=0.01)
    width, height = struct.unpack(">II", data[16:24])
    (length,) = struct.unpack(">I", data[33:37])
    assert len(zlib.decompress(data[41 : 41 + length])) == height * (1 + 3 * width)


def test_the_wav_plays_two_seconds() -> None:
    with wave.open(io.BytesIO(content("voice.wav"))) as file:
        assert file.getnframes() / file.getframerate() == 2


def test_the_mp3_is_a_row_of_whole_frames() -> None:
    data = content("voice.mp3")
    assert [data[at : at + 2] for at in range(0, len(data), 417)] == [b"\xff\xfb"] * 77


def test_the_pdf_knows_where_its_objects_are() -> None:
    data = content("季度报告.pdf")
    (start,) = re.findall(rb"startxref\n(\d+)\n%%EOF", data)
    assert data[int(start) :].startswith(b"xref")
    for number, offset in enumerate(re.findall(rb"(\d{10}) 00000 n", data), 1):
        assert data[int(offset) :].startswith(b"%d 0 obj" % number)


@pytest.mark.parametrize("megabytes", [25, 60])
def test_the_boxes_of_a_video_fill_it(megabytes: int) -> None:
    head, size = next(sample(f"video-{megabytes}mb.mp4").pieces()), megabytes * MEGABYTE
    at, kinds = 0, []
    while at < len(head):
        length, kind = struct.unpack(">I4s", head[at : at + 8])
        kinds.append(kind)
        at += length
    assert (kinds, at) == ([b"ftyp", b"moov", b"mdat"], size)


@pytest.mark.parametrize("word", MEDIA)
async def test_the_platform_takes_every_sample_by_its_address(qq: BotCaller, sim: Simulator, word: str) -> None:
    path, kind = MEDIA[word]
    name = unquote(path).rpartition("/")[2]
    given = {"file_name": name} if kind == "file" else {}
    stored = await qq.media(file_data=None, url=sim.url + path, kind=KINDS[kind], **given)
    assert stored.status == 200
    await qq.message(msg_type=7, media={"file_info": stored.body["file_info"]})
    media = sim.screen(qq.app_id, "c2c", USER)[-1]["media"]
    assert (media["type"], media["name"]) == ("file" if word == "film" else kind, name)


@pytest.fixture
def process() -> Iterator[tuple[str, int]]:
    """A simulator with a memory of its own: its address and its process."""
    command = [sys.executable, "-m", "simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        yield started.stdout.readline().split()[2], started.pid
        started.terminate()


@pytest.fixture
async def far(process: tuple[str, int], http: aiohttp.ClientSession, sim: Simulator) -> BotCaller:
    sim.platform.url = process[0]
    caller = BotCaller(sim, http, DEMO_APP_ID, DEMO_SECRET)
    await caller.log_in()
    return caller


def peak_megabytes(pid: int) -> float:
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
async def test_a_large_upload_takes_little_memory(far: BotCaller, process: tuple[str, int]) -> None:
    _, pid = process
    film = content("video-60mb.mp4")
    prepared = await far.post(f"/v2/users/{USER}/upload_prepare", {"file_type": 2, "file_name": "v.mp4"} | sums(film))
    before, step = peak_megabytes(pid), 10_485_760
    for position, part in enumerate(prepared.body["parts"]):
        piece = film[position * step : (position + 1) * step]
        assert await put(far, part["presigned_url"], piece) == 200
        assert (await finish(far, prepared.body["upload_id"], part["index"], piece)).status == 200
    merge = {"file_type": 2, "upload_id": prepared.body["upload_id"], "srv_send_msg": False}
    assert (await far.post(f"/v2/users/{USER}/files", merge)).status == 200
    assert peak_megabytes(pid) - before < 25
