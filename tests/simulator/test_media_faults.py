"""Faults at each step of a file's way: refused, cut, unanswered; before or after it took effect (sheet 5, 8.10)."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from bot_caller import USER, BotCaller, Reply
from test_platform_media import PNG, finish, merge, prepare, put

from simulator import Simulator


@dataclass
class Way:
    """One file half-way to a user: whatever step is asked for, those before it are done."""

    qq: BotCaller
    upload: str = ""
    url: str = ""
    file_info: str = ""

    async def prepare(self) -> int:
        reply = await prepare(self.qq, PNG)
        if reply.status == 200:
            self.upload, self.url = reply.body["upload_id"], reply.body["parts"][0]["presigned_url"]
        return reply.status

    async def part(self) -> int:
        return await put(self.qq, self.url, PNG)

    async def part_finish(self) -> int:
        return (await finish(self.qq, self.upload, 1, PNG)).status

    async def merge(self) -> int:
        reply = await merge(self.qq, self.upload)
        self.file_info = reply.body["file_info"] if reply.status == 200 else ""
        return reply.status

    async def media(self) -> int:
        return (await self.send()).status

    async def send(self) -> Reply:
        return await self.qq.message(msg_type=7, media={"file_info": self.file_info})

    def steps(self) -> dict[str, Callable[[], Awaitable[int]]]:
        return {
            "prepare": self.prepare,
            "part": self.part,
            "part_finish": self.part_finish,
            "merge": self.merge,
            "media": self.media,
        }


TWICE = 2  # aiohttp repeats a PUT that was cut once by itself
STEPS = list(Way(None).steps())  # type: ignore[arg-type]


@pytest.fixture
def way(qq: BotCaller) -> Way:
    return Way(qq)


async def until(way: Way, step: str) -> Callable[[], Awaitable[int]]:
    """Do every step before that one; return it."""
    for name, does in way.steps().items():
        if name == step:
            return does
        assert await does() == 200
    raise AssertionError(step)


def shown(sim: Simulator, qq: BotCaller) -> int:
    return len([each for each in sim.screen(qq.app_id, "c2c", USER) if each["from"] == "bot"])


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_is_refused_once_and_nothing_else_is(way: Way, sim: Simulator, step: str) -> None:
    sim.faults.set({"fault": "code", "code": 40093001, "endpoint": step, "count": 1})
    does = await until(way, step)
    assert await does() == 400
    assert await does() == 200
    rest = STEPS[STEPS.index(step) + 1 :]
    assert [await way.steps()[name]() for name in rest] == [200] * len(rest)
    assert shown(sim, way.qq) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_step_is_cut(way: Way, sim: Simulator, step: str, when: str) -> None:
    count = TWICE if step == "part" else 1
    sim.faults.set({"fault": "reset", "endpoint": step, "when": when, "count": count})
    does = await until(way, step)
    with pytest.raises(aiohttp.ClientError):
        await does()
    assert shown(sim, way.qq) == (step == "media" and when == "after")
    gone = step == "merge" and when == "after"  # merged it was, and an upload is merged once
    assert await does() == (500 if gone else 200)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_step_is_never_answered(way: Way, sim: Simulator, step: str, when: str) -> None:
    (rule,) = sim.faults.set({"fault": "hang", "endpoint": step, "when": when, "count": 1})
    does = await until(way, step)
    waiting = asyncio.create_task(does())
    while not rule.fired:
        await way.qq.call("GET", "/users/@me")  # the loop turns meanwhile
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert shown(sim, way.qq) == (step == "media" and when == "after")


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_fails_inside(way: Way, sim: Simulator, step: str) -> None:
    sim.faults.set({"fault": "system_busy", "endpoint": step, "count": 1}, {"fault": "html_502", "endpoint": step})
    does = await until(way, step)
    assert await does() == 500
    assert await does() == 502


async def test_only_the_third_part_fails(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.part_size = 30
    (rule,) = sim.faults.set({"fault": "html_502", "endpoint": "part", "skip": 2, "count": 1})
    parts = (await prepare(qq, PNG)).body["parts"]
    pieces = [PNG[at : at + 30] for at in range(0, len(PNG), 30)]
    given = [await put(qq, part["presigned_url"], piece) for part, piece in zip(parts, pieces, strict=True)]
    assert given == [200, 200, 502, 200]
    assert await put(qq, parts[2]["presigned_url"], pieces[2]) == 200
    assert (rule.fired, rule.passed) == (1, 2)


async def test_a_rule_for_media_leaves_texts_alone(qq: BotCaller, sim: Simulator) -> None:
    info = (await qq.media(PNG)).body["file_info"]
    sim.faults.set({"fault": "html_502", "endpoint": "media"})
    assert (await qq.message()).status == 200
    assert (await qq.message(msg_type=7, media={"file_info": info})).status == 502


async def test_a_rule_for_the_merge_leaves_small_files_alone(way: Way, qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "html_502", "endpoint": "merge"})
    assert (await qq.media(PNG)).status == 200
    assert await (await until(way, "merge"))() == 502


@pytest.mark.parametrize(("once", "second"), [(False, 200), (True, 403)])
async def test_an_address_may_be_spent_by_its_first_put(way: Way, sim: Simulator, once: bool, second: int) -> None:
    sim.switches.presigned_once = once
    sim.faults.set({"fault": "reset", "endpoint": "part", "count": TWICE})
    does = await until(way, "part")
    with pytest.raises(aiohttp.ClientError):
        await does()
    assert await does() == second


async def test_the_storage_answers_in_its_own_words(way: Way, qq: BotCaller) -> None:
    await (await until(way, "part_finish"))()
    async with qq.http.put(way.url, data=PNG) as answer:
        assert (answer.status, answer.content_type) == (403, "application/xml")
        assert "<Code>AccessDenied</Code>" in await answer.text()


async def test_a_put_cut_in_the_middle_leaves_no_part(way: Way, qq: BotCaller) -> None:
    """The first PUT arrived whole; the second, cut half-way, takes that back."""
    await (await until(way, "part"))()

    async def half() -> Any:
        yield PNG[:50]
        while len(qq.sim.requests(path="/cos/")) < 2:
            await qq.call("GET", "/users/@me")  # the loop turns meanwhile
        raise OSError("the wire is cut")

    with pytest.raises((OSError, aiohttp.ClientError)):
        await qq.http.put(way.url, data=half(), headers={"Content-Length": str(len(PNG))})
    async with asyncio.timeout(5):
        while qq.sim.requests(path="/cos/")[1]["seconds"] is None:
            await qq.call("GET", "/users/@me")  # the loop turns meanwhile
    assert await way.part_finish() == 400


async def test_a_part_larger_than_announced_is_refused_and_the_sender_gets_to_read_it(way: Way, qq: BotCaller) -> None:
    await way.prepare()
    assert await put(qq, way.url, PNG + bytes(5_000_000)) == 400
    assert await put(qq, way.url, PNG) == 200


async def test_limits_of_proactive_messages_can_be_raised(qq: BotCaller, sim: Simulator) -> None:
    codes = []
    for _ in range(21):
        codes.append((await qq.message()).code)
        sim.clock.advance(1)
    assert codes == [None] * 20 + [40034100]
    sim.switches.proactive_times = 100
    assert [(await qq.message()).code for _ in range(50)] == [None] * 50


async def test_strict_about_voice(qq: BotCaller, sim: Simulator) -> None:
    wav = b"RIFF\x24\0\0\0WAVEfmt "
    assert (await qq.media(wav, kind=3)).status == 200
    sim.switches.voice_silk_only = True
    assert (await qq.media(wav, kind=3)).refused == (500, 850019)
    assert (await qq.media(b"\x02#!SILK_V3" + bytes(9), kind=3)).status == 200


async def test_old_pictures_lose_their_bytes_and_keep_their_sum(
    qq: BotCaller, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.media_store.KEPT_BYTES", 250)
    for n in range(3):
        info = (await qq.media(PNG + bytes([n]))).body["file_info"]
        await qq.message(msg_type=7, media={"file_info": info})
    media = [each["media"] for each in sim.screen(qq.app_id, "c2c", USER)]
    got = []
    for each in media:
        async with qq.http.get(sim.url + each["url"]) as answer:
            got.append(answer.status)
    assert got == [404, 200, 200]
    assert media[0]["sha256"] == hashlib.sha256(PNG + b"\0").hexdigest()
