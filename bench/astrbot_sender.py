"""The peer: AstrBot's own streaming sender, run by its own Python (``bench.astrbot_environment``).

Our part is what surrounds it: the model's stream is read as the bare loop reads it, each piece is handed on as one
message chain, and the bot's token is there from the start. What is sent when, and what is done about an answer, is
AstrBot's. So its costs here are a lower bound: no gateway, no model's client, no pipeline, no database.
``python -m bench.astrbot_sender URL LOAD`` runs one load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import botpy
from astrbot.api.event import MessageChain
from astrbot.api.message_components import Plain
from astrbot.core.platform.astrbot_message import AstrBotMessage, MessageMember
from astrbot.core.platform.message_type import MessageType
from astrbot.core.platform.platform_metadata import PlatformMetadata
from astrbot.core.platform.sources.qqofficial.qqofficial_message_event import QQOfficialMessageEvent
from botpy.http import Route
from botpy.message import C2CMessage
from botpy.robot import Token

from bench.platform import PEER, Platform
from bench.streams import Load

TIMEOUT = 20
"""What AstrBot's adapter gives botpy."""


class Peer:
    """One bot of AstrBot's."""

    def __init__(self, platform: Platform, token: str) -> None:
        self._platform = platform
        Route.SCHEME, _, Route.DOMAIN = platform.url.partition("://")
        self._client = botpy.Client(intents=botpy.Intents(public_messages=True), bot_log=False, timeout=TIMEOUT)
        known = Token(*PEER)
        known.access_token, known.expires_in = token, int(time.time()) + 7200
        self._client.http._token = known

    async def reply(self, openid: str, msg_id: str, model: str) -> None:
        """Answer one message with what the model writes."""
        data: Any = {"id": msg_id, "content": "bench", "author": {"user_openid": openid}}
        said = AstrBotMessage()
        said.type, said.self_id, said.session_id = MessageType.FRIEND_MESSAGE, "bench", openid
        said.message_id, said.message, said.message_str = msg_id, [], "bench"
        said.sender = MessageMember(openid, openid)
        said.raw_message = C2CMessage(self._client.api, None, data)
        about = PlatformMetadata(name="qq_official", description="QQ", id="bench")
        event = QQOfficialMessageEvent("bench", said, about, openid, self._client)
        await event.send_streaming(self._pieces(model))

    async def _pieces(self, model: str) -> AsyncIterator[MessageChain]:
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "bench"}]}
        async with self._platform.http.post(f"{self._platform.url}/v1/chat/completions", json=body) as answer:
            async for line in answer.content:
                if line.startswith(b"data: {"):
                    text = json.loads(line[6:])["choices"][0]["delta"].get("content")
                    if text:
                        yield MessageChain(chain=[Plain(text)])


async def replay(url: str, load: Load) -> int:
    """Run the load; return how many replies ended in an exception."""
    # Its whole answer is one connection here, and may last as long as the load does.
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:
        platform = Platform(url, http)
        app_id, secret = PEER
        async with http.post(f"{url}/app/getAppAccessToken", json={"appId": app_id, "clientSecret": secret}) as answer:
            token = (await answer.json(content_type=None))["access_token"]
        peer = Peer(platform, token)

        async def one(number: int) -> None:
            await asyncio.sleep(load.begins(number))
            openid = load.openid(number)
            await peer.reply(openid, await platform.say(app_id, openid, "bench"), load.model)

        ended = await asyncio.gather(*map(one, range(load.streams)), return_exceptions=True)
        await peer._client.http.close()
    return sum(isinstance(each, BaseException) for each in ended)


def main() -> None:
    """Say that all is imported, wait for a line on standard input, run, say so, wait again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("load", type=json.loads)
    given = parser.parse_args()
    # What it logs is many times what it sends, and both streams are this program's own.
    logging.disable(logging.CRITICAL)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process lives
    print("ready", file=out)
    sys.stdin.readline()
    print("ended", asyncio.run(replay(given.url, Load(**given.load))), file=out)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
