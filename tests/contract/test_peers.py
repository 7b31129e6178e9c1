"""Clients that nobody here wrote prove the simulator: they connect, are spoken to, and what they answer is seen."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from peer_process import Peer, running, seen

from simulator import DEMO_APP_ID, Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

Bubbles = list[dict[str, Any]]


def done(number: int) -> Any:
    """Return the test for `number` finished bubbles."""
    return lambda bubbles: len([each for each in bubbles if each["state"] == "done"]) >= number


async def sum_of(url: str) -> str:
    """Return the SHA-256 of what is at `url`."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return hashlib.sha256(await answer.read()).hexdigest()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1) as started:
        started.switches.fetch_private_hosts = True
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def botpy_sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1) as started:
        started.switches.fetch_private_hosts = True
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nonebot(sim: Simulator) -> AsyncIterator[Peer]:
    async with running("nonebot_peer", sim) as peer:
        yield peer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def botpy(botpy_sim: Simulator) -> AsyncIterator[Peer]:
    async with running("botpy_peer", botpy_sim) as peer:
        yield peer


async def test_botpy_answers_a_user(botpy: Peer, botpy_sim: Simulator) -> None:
    await botpy_sim.say(DEMO_APP_ID, "USER1", "你好")
    (bubble,) = await seen(botpy_sim, "c2c", "USER1", done(1))
    assert (bubble["kind"], bubble["text"]) == ("text", "botpy heard: 你好")
    assert (await botpy.hear("sent"))["id"] == bubble["id"]


async def test_botpy_answers_a_group(botpy: Peer, botpy_sim: Simulator) -> None:
    await botpy_sim.say(DEMO_APP_ID, "GROUP1", "大家好", scene="group", author="MEMBER1")
    (bubble,) = await seen(botpy_sim, "group", "GROUP1", done(1))
    assert bubble["text"] == "botpy heard: 大家好"


async def test_botpy_answers_in_a_guild_and_privately(botpy: Peer, botpy_sim: Simulator) -> None:
    await botpy_sim.say(DEMO_APP_ID, "4001", "hi", scene="guild")
    (bubble,) = await seen(botpy_sim, "guild", "4001", done(1))
    assert bubble["text"] == "botpy heard the guild"
    assert (await botpy.hear("sent"))["id"] == bubble["id"]
    await botpy_sim.say(DEMO_APP_ID, "7001", "psst", scene="dm")
    (bubble,) = await seen(botpy_sim, "dm", "7001", done(1))
    assert bubble["text"] == "botpy heard: psst"


async def test_botpy_hears_that_a_pair_is_used_up(botpy: Peer, botpy_sim: Simulator) -> None:
    await botpy_sim.say(DEMO_APP_ID, "USER2", "twice")
    assert (await botpy.hear("refused"))["said"] == "消息被去重，请检查请求msgseq"
    bubbles = await seen(botpy_sim, "c2c", "USER2", done(2))
    assert [each["text"] for each in bubbles] == ["botpy heard: twice", "with a sequence of its own"]


async def test_botpy_sends_a_picture(botpy: Peer, botpy_sim: Simulator) -> None:
    url = f"{botpy_sim.url}/_sim/pictures/demo.png"
    await botpy_sim.say(DEMO_APP_ID, "USER3", f"picture {url}")
    bubbles = await seen(botpy_sim, "c2c", "USER3", done(2))
    assert bubbles[1]["kind"] == "media"
    assert (bubbles[1]["media"]["type"], bubbles[1]["media"]["sha256"]) == ("image", await sum_of(url))


async def test_botpy_broke_no_rule_but_the_one_it_was_asked_to(botpy: Peer, botpy_sim: Simulator) -> None:
    assert {each["rule"] for each in botpy_sim.violations()} <= {"reused_pair"}


async def test_nonebot_answers_a_user(nonebot: Peer, sim: Simulator) -> None:
    await sim.say(DEMO_APP_ID, "USER1", "你好")
    (bubble,) = await seen(sim, "c2c", "USER1", done(1))
    assert (bubble["kind"], bubble["text"]) == ("text", "nonebot heard: 你好")


async def test_nonebot_answers_a_group(nonebot: Peer, sim: Simulator) -> None:
    await sim.say(DEMO_APP_ID, "GROUP1", "大家好", scene="group", author="MEMBER1", author_name="小明")
    (bubble,) = await seen(sim, "group", "GROUP1", done(1))
    assert bubble["text"] == "nonebot heard: 大家好"


async def test_nonebot_understands_a_group_message_with_a_mention_in_its_text(nonebot: Peer, sim: Simulator) -> None:
    await sim.say(DEMO_APP_ID, "GROUP2", "在吗", scene="group", events=["GROUP_MESSAGE_CREATE"], mention=True)
    (bubble,) = await seen(sim, "group", "GROUP2", done(1))
    assert bubble["text"] == "nonebot heard: 在吗"


async def test_nonebot_answers_in_a_guild_and_privately(nonebot: Peer, sim: Simulator) -> None:
    await sim.say(DEMO_APP_ID, "4001", "hi", scene="guild")
    (bubble,) = await seen(sim, "guild", "4001", done(1))
    assert bubble["text"] == "nonebot heard: hi"
    await sim.say(DEMO_APP_ID, "7001", "psst", scene="dm")
    (bubble,) = await seen(sim, "dm", "7001", done(1))
    assert bubble["text"] == "nonebot heard: psst"


async def test_nonebot_streams_into_one_bubble(nonebot: Peer, sim: Simulator) -> None:
    before = len(sim.requests())
    await sim.say(DEMO_APP_ID, "USER2", "stream")
    (bubble,) = await seen(sim, "c2c", "USER2", done(1))
    assert bubble["kind"] == "markdown"
    assert bubble["text"].rstrip("\n") == "流式消息一段一段地来，最后以换行结束。"
    frames = [each["body"]["stream"] for each in sim.requests() if each["n"] > before and each["body"].get("stream")]
    assert [frame["state"] for frame in frames] == [1, 1, 10]
    assert ["id" in frame for frame in frames] == [False, True, True]


async def test_nonebot_reads_a_refusal_whole(nonebot: Peer, sim: Simulator) -> None:
    await sim.say(DEMO_APP_ID, "USER3", "refuse me")
    refused = await nonebot.hear("refused")
    assert refused["code"] == 40034024
    assert refused["said"] == "请求参数msg_id无效或越权"
    assert refused["trace"] == sim.requests()[-1]["trace_id"]


async def test_nonebot_sends_a_picture_of_its_own(nonebot: Peer, sim: Simulator) -> None:
    url = f"{sim.url}/_sim/pictures/demo.png"
    await sim.say(DEMO_APP_ID, "USER5", f"picture {url}")
    (bubble,) = await seen(sim, "c2c", "USER5", done(1))
    assert (bubble["media"]["type"], bubble["media"]["sha256"]) == ("image", await sum_of(url))


async def test_nonebot_resumes_and_misses_nothing(nonebot: Peer, sim: Simulator) -> None:
    command = {"do": "close", "code": 4009}
    async with aiohttp.ClientSession(sim.url) as http, http.post("/_sim/gateway", json=command) as answer:
        assert (await answer.json())["connections"] == 1
    await sim.say(DEMO_APP_ID, "USER4", "are you still there?")
    (bubble,) = await seen(sim, "c2c", "USER4", done(1))
    assert bubble["text"] == "nonebot heard: are you still there?"


async def test_nonebot_broke_no_rule(nonebot: Peer, sim: Simulator) -> None:
    assert sim.violations() == []
