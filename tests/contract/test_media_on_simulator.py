"""Media on its way to a strict platform, over real sockets: by address, inline and in parts, with each step failing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from media_road import Record, Road, Told, film, road

from adapter.content import BytesContent, FileContent
from adapter.outside import Outside
from adapter.pieces import MediaItem, MediaKind, MediaOutcome, SendMedia, Text
from adapter.plain_desk import PlainDesk
from adapter.targets import Scene, Target
from simulator import DEMO_APP_ID, Simulator

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
PICTURE = MediaItem(MediaKind.IMAGE, content=BytesContent(PNG), name="图.png")
SMALL_PARTS = {"part_size": 50_000, "part_retry_delay": 0}
SIZE = 120_000


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1) as started:
        yield started


@pytest.fixture(params=[Scene.C2C, Scene.GROUP])
async def there(sim: Simulator, request: pytest.FixtureRequest) -> AsyncIterator[Road]:
    one = road(sim, request.param)
    yield one
    await one.client.close()


@pytest.fixture
async def user(sim: Simulator) -> AsyncIterator[Road]:
    one = road(sim, Scene.C2C)
    yield one
    await one.client.close()


@asynccontextmanager
async def serving(body: bytes) -> AsyncIterator[str]:
    """An address inside, which the platform does not ask."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body)

    app = web.Application()
    app.router.add_get("/file", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/file"))


# ---- the ways -----------------------------------------------------------------------------------------------------


async def test_a_25_mb_video_goes_in_parts_from_disk(there: Road, tmp_path: Path) -> None:
    size = 25 * 1_048_576
    outcome, record = await there.send(await film(tmp_path / "a", size))
    assert outcome.status == "delivered"
    assert record.kinds == ["prepare", *["part", "finish"] * 3, "upload", "media"]
    assert there.files == [("video", "影片.mp4", size)]
    assert record.progress[3] == {"way": "parts", "parts": 3, "done": 1, "bytes": size, "sent": 10_485_760}
    assert record.rows[-1].request.body.keys() == {"msg_type", "media"}
    assert there.sim.violations() == []


async def test_a_60_mb_video_goes_as_a_file_and_says_so_beforehand(user: Road, tmp_path: Path) -> None:
    item = await film(tmp_path / "a", 60 * 1_048_576)
    outside = Outside()
    prepared = await PlainDesk(outside).prepare(item, user.target)
    assert isinstance(prepared, MediaItem)
    assert (prepared.kind, prepared.note) == ("file", "over 30 MB: QQ takes it as a file")
    outcome, _ = await user.send(item)
    assert outcome.status == "delivered"
    assert user.files == [("file", "影片.mp4", 60 * 1_048_576)]


@pytest.mark.parametrize("base", [0, 1])
async def test_qqs_own_numbers_are_echoed_and_offsets_go_by_position(user: Road, tmp_path: Path, base: int) -> None:
    user.sim.switches.patch({**SMALL_PARTS, "part_index_base": base})
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 500)
    item = MediaItem(MediaKind.VIDEO, content=await FileContent.of(path), name="a.mp4")
    outcome, record = await user.send(item, direct_limit=10)
    assert outcome.status == "delivered"
    assert [row.frame.part and row.frame.part.index for row in record.of("part")] == [base, base + 1, base + 2]
    assert [row.request.body["offset"] for row in record.of("part")] == [0, 50_000, 100_000]
    (bubble,) = user.screen
    assert bubble["media"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_part_in_the_record_tells_neither_bytes_nor_who_may_write(user: Road, tmp_path: Path) -> None:
    _, record = await user.send(await film(tmp_path / "a", SIZE), direct_limit=10)
    (part,) = record.of("part")
    assert part.request.body == {"part": 1, "offset": 0, "bytes": SIZE}
    assert part.request.path.endswith("?***")
    assert "sign=" not in repr(record.rows)
    assert "sign=1" not in record.of("prepare")[0].exchange.body


async def test_bytes_that_no_desk_looked_at_go_in_parts_too(user: Road) -> None:
    item = MediaItem(MediaKind.FILE, data=b"x" * 100, name="a.bin")
    outcome, record = await user.send(item, desk=Remembering(Outside()), direct_limit=10)
    assert (outcome.status, record.kinds[0]) == ("delivered", "prepare")
    assert user.files == [("file", "a.bin", 100)]


async def test_a_small_picture_goes_inline(there: Road) -> None:
    outcome, record = await there.send(PICTURE)
    assert (outcome.status, record.kinds) == ("delivered", ["upload", "media"])
    assert there.files == [("image", "图.png", len(PNG))]
    assert record.rows[0].request.body["file_data"] == f"<{len(PNG)} bytes>"


async def test_inline_bytes_that_qqs_proxy_does_not_take_go_in_parts(user: Road) -> None:
    user.sim.faults.set({"fault": "code", "code": 850012, "status": 500, "endpoint": "files", "count": 1})
    outcome, record = await user.send(PICTURE)
    assert outcome.status == "delivered"
    assert record.kinds == ["upload", "prepare", "part", "finish", "upload", "media"]
    assert record.of("upload")[0].exchange.code == 850012


async def test_an_address_that_qq_cannot_reach_is_fetched_and_uploaded(user: Road) -> None:
    async with serving(PNG) as url:
        outcome, record = await user.send(MediaItem(MediaKind.IMAGE, url=f"{url}?token=x"))
    assert outcome.status == "delivered"
    assert record.kinds == ["upload", "fetch", "upload", "media"]
    assert record.of("fetch")[0].request.path == f"{url}?***"
    assert [each[0] for each in user.files] == ["image"]


async def test_a_voice_at_an_address_is_looked_into_first(user: Road) -> None:
    async with serving(b"\x02#!SILK_V3" + b"x" * 50) as url:
        outcome, record = await user.send(MediaItem(MediaKind.VOICE, url=url))
    assert (outcome.status, record.kinds) == ("delivered", ["fetch", "upload", "media"])
    assert [each[0] for each in user.files] == ["voice"]


# ---- with the text around it --------------------------------------------------------------------------------------


async def test_media_stands_between_its_texts_and_one_that_fails_does_not_stop_them(user: Road) -> None:
    told: list[MediaOutcome | None] = []
    msg_id = await user.sim.say(DEMO_APP_ID, user.target.id, "hi")

    async def source() -> Told:
        yield Text("before ")
        told.append((yield SendMedia(PICTURE)))
        yield Text("between ")
        user.sim.faults.add("code", code=850019, endpoint="files", status=500)
        user.sim.faults.add("code", code=40093002, endpoint="prepare")
        told.append((yield SendMedia(PICTURE)))
        told.append((yield SendMedia(MediaItem(MediaKind.IMAGE, content=BytesContent(b"no picture")))))
        yield Text("after")

    outcome, _ = await user.run(source(), reference=msg_id)
    assert [bubble["text"] or bubble["media"]["type"] for bubble in user.screen] == [
        "before ",
        "image",
        "between ",
        "after",
    ]
    assert [each and each.sent for each in told] == [True, False, False]
    assert told[1] == MediaOutcome(False, "Today's upload capacity is used up. Upload again tomorrow.", 40093002)
    assert (outcome.status, outcome.code, outcome.step) == ("failed", 40093002, "prepare")


async def test_an_item_that_cannot_go_at_all_is_the_reason(user: Road) -> None:
    outcome, record = await user.send(MediaItem(MediaKind.IMAGE, url="http://127.0.0.1/a.png"), allow_private=False)
    assert (outcome.status, outcome.reason, record.rows) == ("failed", "media_unfit", [])
    assert "inside a network" in outcome.detail


# ---- one step goes wrong --------------------------------------------------------------------------------------------

FAILING: dict[str, tuple[dict[str, Any], list[str]]] = {
    "prepare refused for the moment": (
        {"endpoint": "prepare", "fault": "code", "code": 850027},
        ["prepare", "prepare"],
    ),
    "prepare answered and lost": ({"endpoint": "prepare", "fault": "reset", "when": "after"}, ["prepare", "prepare"]),
    "a part cut off": ({"endpoint": "part", "fault": "reset", "skip": 1}, ["part", "finish", "part", "part", "finish"]),
    "a part stored and not answered": (
        {"endpoint": "part", "fault": "reset", "when": "after"},
        ["part", "part", "finish"],
    ),
    "a part that qq misses": (
        {"endpoint": "part_finish", "fault": "code", "code": 40093001},
        ["part", "finish", "part", "finish"],
    ),
    "a finish answered and lost": (
        {"endpoint": "part_finish", "fault": "reset", "when": "after"},
        ["part", "finish", "finish", "part"],
    ),
    "a part refused for good": (
        {"endpoint": "part", "fault": "code", "status": 403, "code": 1, "skip": 1},
        ["part", "finish", "part", "prepare", "part", "finish"],
    ),
    "a merge that took effect": (
        {"endpoint": "merge", "fault": "reset", "when": "after"},
        ["upload", "upload", "prepare"],
    ),
    "a merge refused for the moment": ({"endpoint": "merge", "fault": "code", "code": 850027}, ["upload", "upload"]),
    "a message refused for the moment": ({"endpoint": "media", "fault": "code", "code": 304083}, ["media", "media"]),
    "a message whose file_info is not taken": (
        {"endpoint": "media", "fault": "code", "code": 304080},
        ["media", "prepare"],
    ),
}


@pytest.mark.parametrize("name", FAILING)
async def test_one_step_that_fails_is_mended_and_the_user_sees_one_copy(user: Road, tmp_path: Path, name: str) -> None:
    fault, road_taken = FAILING[name]
    user.sim.switches.patch(SMALL_PARTS)
    user.sim.faults.set({"count": 1, **fault})
    outcome, record = await user.send(await film(tmp_path / "a", SIZE), direct_limit=10)
    assert outcome.status == "delivered"
    assert has_run(record, road_taken), record.kinds
    assert user.files == [("video", "影片.mp4", SIZE)]
    assert user.sim.violations() == []


@pytest.mark.parametrize("endpoint", ["prepare", "part", "part_finish", "merge", "media"])
async def test_a_step_refused_for_good_is_named_and_nothing_is_seen(user: Road, tmp_path: Path, endpoint: str) -> None:
    user.sim.switches.patch(SMALL_PARTS)
    user.sim.faults.set({"fault": "code", "code": 40093002, "status": 400, "endpoint": endpoint})
    outcome, record = await user.send(await film(tmp_path / "a", SIZE), direct_limit=10)
    step = {"part_finish": "finish", "merge": "upload", "media": "send"}.get(endpoint, endpoint)
    assert (outcome.status, outcome.step) == ("failed", step)
    assert outcome.code == (None if endpoint == "part" else 40093002)
    assert user.screen == []
    assert record.kinds.count("prepare") == (3 if endpoint == "part" else 1)


@pytest.mark.parametrize(("when", "seen"), [("before", 0), ("after", 1)])
async def test_a_message_whose_outcome_is_unknown_is_never_repeated(user: Road, when: str, seen: int) -> None:
    user.sim.faults.set({"fault": "reset", "when": when, "endpoint": "media"})
    outcome, record = await user.send(PICTURE)
    assert (outcome.status, outcome.step) == ("unknown", "send")
    assert record.kinds.count("media") == 1
    assert len(user.files) == seen


async def test_a_passive_one_whose_outcome_is_unknown_is_repeated_under_its_pair(user: Road) -> None:
    msg_id = await user.sim.say(DEMO_APP_ID, user.target.id, "hi")
    user.sim.faults.set({"fault": "reset", "when": "after", "endpoint": "media", "count": 1})
    outcome, record = await user.send(PICTURE, reference=msg_id, media_passive=True)
    assert [row.verdict for row in record.of("media")] == ["unknown", "duplicate"]
    assert outcome.status == "delivered"
    assert len(user.files) == 1


# ---- what is remembered -------------------------------------------------------------------------------------------


class Remembering(PlainDesk):
    """A desk that knows one file_info."""

    def __init__(self, outside: Outside) -> None:
        super().__init__(outside, allow_private=True)
        self.known: dict[str, str] = {}
        self.ttls: list[int | None] = []
        self.forgotten: list[str] = []

    async def prepare(self, item: MediaItem, target: Target) -> MediaItem | str:
        return replace(item, file_info=self.known.get(target.scene, ""))

    async def uploaded(self, item: MediaItem, target: Target, file_info: str, ttl: int | None) -> None:
        self.known[target.scene] = file_info
        self.ttls.append(ttl)

    async def spent(self, item: MediaItem, target: Target) -> None:
        self.forgotten.append(item.file_info)
        self.known.pop(target.scene, None)


async def test_a_file_info_is_used_again_until_qq_does_not_take_it(user: Road) -> None:
    outside = Outside()
    desk = Remembering(outside)
    _, first = await user.send(PICTURE, desk=desk)
    _, second = await user.send(PICTURE, desk=desk)
    assert (first.kinds, second.kinds) == (["upload", "media"], ["media"])
    user.sim.clock.advance(400)
    outcome, third = await user.send(PICTURE, desk=desk)
    assert (outcome.status, third.kinds) == ("delivered", ["media", "upload", "media"])
    assert (desk.ttls, len(desk.forgotten), len(user.files)) == ([300, 300], 1, 3)
    await outside.close()


async def test_a_file_that_was_moved_ends_the_upload_where_it_is(user: Road, tmp_path: Path) -> None:
    item = await film(tmp_path / "a", SIZE)
    (tmp_path / "a").unlink()
    outcome, record = await user.send(item, desk=Remembering(Outside()), direct_limit=10)
    assert (outcome.status, outcome.step, record.kinds) == ("failed", "part", ["prepare", "part"])
    assert "cannot be read" in outcome.detail


def has_run(record: Record, kinds: list[str]) -> bool:
    """Whether the frames hold ``kinds`` one after the other."""
    return any(record.kinds[start : start + len(kinds)] == kinds for start in range(len(record.kinds)))
