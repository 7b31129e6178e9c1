"""Files: sheet 5.1 (one shot), 5.2 (sizes), 5.3 (in parts), 5.4 (errors)."""

import hashlib
import io
from typing import Any

import pytest
from aiohttp import web
from bot_caller import GROUP, USER, BotCaller, Reply

from simulator import Simulator

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
FIRST_10M = 10_002_432


def sums(content: bytes) -> dict[str, str]:
    return {
        "file_size": str(len(content)),
        "md5": hashlib.md5(content).hexdigest(),
        "sha1": hashlib.sha1(content).hexdigest(),
        "md5_10m": hashlib.md5(content[:FIRST_10M]).hexdigest(),
    }


async def prepare(qq: BotCaller, content: bytes, **body: Any) -> Reply:
    given = {"file_type": 1, "file_name": "图.png"} | sums(content)
    return await qq.post(f"/v2/users/{USER}/upload_prepare", given | body)


async def put(qq: BotCaller, url: str, content: bytes) -> int:
    async with qq.http.put(url, data=io.BytesIO(content)) as answer:
        return answer.status


async def finish(qq: BotCaller, upload: str, index: int, content: bytes, **body: Any) -> Reply:
    given = {
        "upload_id": upload,
        "part_index": index,
        "block_size": str(len(content)),
        "md5": hashlib.md5(content).hexdigest(),
    }
    return await qq.post(f"/v2/users/{USER}/upload_part_finish", given | body)


async def merge(qq: BotCaller, upload: str) -> Reply:
    body = {"file_type": 1, "srv_send_msg": False, "file_name": "图.png", "upload_id": upload}
    return await qq.post(f"/v2/users/{USER}/files", body)


async def test_an_upload_becomes_a_bubble(qq: BotCaller, sim: Simulator) -> None:
    stored = await qq.media(PNG)
    assert set(stored.body) == {"file_uuid", "file_info", "ttl"}
    media = {"file_info": stored.body["file_info"]}
    sent = await qq.message(msg_type=7, media=media, content=" ", msg_id=await qq.said())
    assert sent.status == 200
    bubble = sim.screen(qq.app_id, "c2c", USER)[-1]
    assert bubble["kind"] == "media"
    assert bubble["media"]["sha256"] == hashlib.sha256(PNG).hexdigest()
    async with qq.http.get(sim.url + bubble["media"]["url"]) as shown:
        assert await shown.read() == PNG


@pytest.mark.parametrize(("upload_to_group", "send_to_group"), [(True, False), (False, True)])
async def test_304080_a_file_of_another_scene(qq: BotCaller, upload_to_group: bool, send_to_group: bool) -> None:
    info = (await qq.media(PNG, group=upload_to_group)).body["file_info"]
    target = GROUP if send_to_group else USER
    msg_id = await qq.said(target=target, scene="group" if send_to_group else "c2c")
    media = {"msg_type": 7, "media": {"file_info": info}, "msg_id": msg_id}
    assert (await qq.message(target, group=send_to_group, **media)).refused == (400, 304080)


@pytest.mark.parametrize(("ttl", "code"), [(300, 304080), (0, None)])
async def test_304080_a_file_past_its_time(qq: BotCaller, sim: Simulator, ttl: int, code: int | None) -> None:
    sim.switches.media_ttl = ttl
    stored = await qq.media(PNG)
    assert stored.body["ttl"] == ttl
    sim.clock.advance(301)
    media = {"file_info": stored.body["file_info"]}
    assert (await qq.message(msg_type=7, media=media, msg_id=await qq.said())).code == code


async def test_304080_a_made_up_file_info(qq: BotCaller) -> None:
    assert (await qq.message(msg_type=7, media={"file_info": "x"})).refused == (400, 304080)


async def test_40034024_media_on_a_foreign_msg_id(qq: BotCaller) -> None:
    media = {"file_info": (await qq.media(PNG)).body["file_info"]}
    msg_id = await qq.said(target=GROUP, scene="group")
    assert (await qq.message(msg_type=7, media=media, msg_id=msg_id)).refused == (400, 40034024)


async def test_22006_type_and_content_differ(qq: BotCaller) -> None:
    media = {"file_info": (await qq.media(PNG)).body["file_info"]}
    assert (await qq.message(msg_type=7)).refused == (400, 22006)
    assert (await qq.message(msg_type=0, media=media)).refused == (400, 22006)


@pytest.mark.parametrize("kind", [1, 2, 3])
async def test_850019_a_format_it_does_not_take(qq: BotCaller, kind: int) -> None:
    assert (await qq.media(b"plain text", kind=kind)).refused == (500, 850019)


@pytest.mark.parametrize(
    ("kind", "content"),
    [(1, b"GIF89a"), (1, b"\xff\xd8\xff"), (2, b"\0\0\0\x18ftypmp42"), (3, b"\x02#!SILK_V3"), (4, b"anything")],
)
async def test_the_formats_it_takes(qq: BotCaller, kind: int, content: bytes) -> None:
    assert (await qq.media(content, kind=kind, file_name="x")).status == 200


async def test_a_file_without_a_name_is_an_internal_error(qq: BotCaller) -> None:
    assert (await qq.media(b"x", kind=4)).status == 500


async def test_850012_file_data_of_several_megabytes(qq: BotCaller) -> None:
    assert (await qq.media(PNG + bytes(4_000_000))).status == 200
    assert (await qq.media(PNG + bytes(5_000_000))).refused == (500, 850012)


async def test_413_a_body_of_many_megabytes(qq: BotCaller) -> None:
    reply = await qq.media(PNG + bytes(15_000_000))
    assert reply.status == 413
    assert reply.headers["Content-Type"] == "text/html"
    assert "X-Tps-trace-ID" not in reply.headers
    assert "stgw" in reply.body


async def test_850031_a_file_too_large(qq: BotCaller) -> None:
    assert (await prepare(qq, PNG, file_size=str(200 * 1024 * 1024 + 1))).refused == (400, 850031)


async def test_10000_file_data_may_be_unsupported(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.file_data = False
    assert (await qq.media(PNG)).refused == (400, 10000)


@pytest.mark.parametrize(
    "url", ["ftp://x/y.png", "http://127.0.0.1:9/x.png", "http://localhost/x", "http://10.0.0.1/x"]
)
async def test_850026_an_address_it_cannot_or_will_not_reach(qq: BotCaller, url: str) -> None:
    reply = await qq.media(file_data=None, url=url)
    assert (reply.refused, reply.body["err_code"]) == ((400, 850026), 40034001)
    assert reply.body["message"] == "富媒体文件下载失败"


async def test_850026_a_redirect_to_the_inside(qq: BotCaller, sim: Simulator) -> None:
    """What it does not fetch directly it does not fetch by a detour either."""
    own = f"{sim.url}/_sim/media/none"
    assert (await qq.media(file_data=None, url=own)).refused == (400, 850026)


async def test_an_address_it_reaches(qq: BotCaller, sim: Simulator) -> None:
    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=PNG)

    app = web.Application()
    app.router.add_get("/x.png", picture)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/x.png"
    try:
        assert (await qq.media(file_data=None, url=url)).code == 850026
        sim.switches.fetch_private_hosts = True
        assert (await qq.media(file_data=None, url=url)).status == 200
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("code", [850018, 850027, 304082, 304083, 40034004])
async def test_errors_one_can_only_ask_for(qq: BotCaller, sim: Simulator, code: int) -> None:
    sim.faults.set({"fault": "code", "code": code, "endpoint": "files"})
    assert (await qq.media(PNG)).code == code


async def test_a_large_file_goes_in_parts(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.part_size = 50
    content = PNG + b"tail"
    prepared = (await prepare(qq, content)).body
    assert [part["index"] for part in prepared["parts"]] == [1, 2, 3]
    assert prepared["block_size"] == "50"
    assert prepared["upload_config"] == {"concurrency": 1, "retry_timeout": 300, "retry_delay": 1}
    for position, part in enumerate(prepared["parts"]):
        piece = content[position * 50 : (position + 1) * 50]
        assert await put(qq, part["presigned_url"], piece) == 200
        assert (await finish(qq, prepared["upload_id"], part["index"], piece)).body == {}
        assert await put(qq, part["presigned_url"], piece) == 403
        sim.clock.advance(1)
    merged = await merge(qq, prepared["upload_id"])
    assert set(merged.body) == {"file_uuid", "file_info", "ttl", "raw_url"}
    media = {"file_info": merged.body["file_info"]}
    await qq.message(msg_type=7, media=media)
    shown = sim.screen(qq.app_id, "c2c", USER)[-1]["media"]
    assert shown["sha256"] == hashlib.sha256(content).hexdigest()


async def test_where_part_numbers_start_is_a_switch(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.part_index_base = 0
    assert [part["index"] for part in (await prepare(qq, PNG)).body["parts"]] == [0]


@pytest.mark.parametrize("wrong", [{"file_size": 108}, {"sha1": ""}])
async def test_850012_numbers_and_empty_sums_in_prepare(qq: BotCaller, wrong: dict[str, Any]) -> None:
    assert (await prepare(qq, PNG, **wrong)).refused == (500, 850012)


async def test_40093001_a_part_that_did_not_arrive_whole(qq: BotCaller) -> None:
    prepared = (await prepare(qq, PNG)).body
    upload, url = prepared["upload_id"], prepared["parts"][0]["presigned_url"]
    assert (await finish(qq, upload, 1, PNG)).refused == (400, 40093001)
    await put(qq, url, PNG[:10])
    assert (await finish(qq, upload, 1, PNG)).refused == (400, 40093001)
    assert await put(qq, url, PNG) == 200
    assert (await finish(qq, upload, 1, PNG, md5="0" * 32)).refused == (400, 40093001)
    assert (await finish(qq, upload, 1, PNG)).status == 200


async def test_40093002_the_day_is_used_up(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.upload_daily_bytes = 150
    prepared = (await prepare(qq, PNG)).body
    await put(qq, prepared["parts"][0]["presigned_url"], PNG)
    await finish(qq, prepared["upload_id"], 1, PNG)
    assert (await merge(qq, prepared["upload_id"])).status == 200
    assert (await prepare(qq, PNG)).refused == (400, 40093002)
    sim.clock.advance(86_400)
    await qq.log_in()
    assert (await prepare(qq, PNG)).status == 200


async def test_850019_a_wrong_merge(qq: BotCaller, sim: Simulator) -> None:
    """Pieces cut at the wrong places have right sums each and a wrong one together."""
    sim.switches.part_size = 54
    prepared = (await prepare(qq, PNG, file_type=4)).body
    assert (await merge(qq, prepared["upload_id"])).refused == (500, 850019)
    for part, piece in zip(prepared["parts"], (PNG[54:], PNG[:54]), strict=True):
        await put(qq, part["presigned_url"], piece)
        assert (await finish(qq, prepared["upload_id"], part["index"], piece)).status == 200
    assert (await merge(qq, prepared["upload_id"])).refused == (500, 850019)


async def test_ten_prepares_a_second(qq: BotCaller) -> None:
    codes = [(await prepare(qq, PNG)).status for _ in range(11)]
    assert codes == [200] * 10 + [429]


async def test_above_the_soft_limit_it_becomes_a_file(
    qq: BotCaller, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("simulator.media_store", fromlist=["x"]).SOFT_LIMITS, "image", 50)
    media = {"file_info": (await qq.media(PNG)).body["file_info"]}
    await qq.message(msg_type=7, media=media)
    assert sim.screen(qq.app_id, "c2c", USER)[-1]["media"]["type"] == "file"
