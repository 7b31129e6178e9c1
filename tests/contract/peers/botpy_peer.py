"""A bot on botpy's own Client, as its users write one. Usage: botpy_peer.py HOST:PORT APP_ID SECRET

Only the platform's address is changed: `Route.DOMAIN`, `Route.SCHEME`, and the token address, a constant inside
`Token.update_access_token`. It says what happens to it on standard output, one JSON object a line.
"""

from __future__ import annotations

import json
import sys

import botpy
from botpy.errors import ServerError
from botpy.http import Route
from botpy.message import C2CMessage, DirectMessage, GroupMessage, Message
from botpy.robot import Token

TOKEN_URL = "https://bots.qq.com/app/getAppAccessToken"


def tell(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def point_at(address: str) -> None:
    Route.DOMAIN, Route.SCHEME = address, "http"
    code = Token.update_access_token.__code__
    assert TOKEN_URL in code.co_consts
    there = f"http://{address}/app/getAppAccessToken"
    constants = tuple(there if value == TOKEN_URL else value for value in code.co_consts)
    Token.update_access_token.__code__ = code.replace(co_consts=constants)


class Peer(botpy.Client):
    async def on_ready(self) -> None:
        tell(event="ready", name=self.robot.name)

    async def on_c2c_message_create(self, message: C2CMessage) -> None:
        answer = await message.reply(content=f"botpy heard: {message.content}")
        tell(event="sent", id=answer["id"])
        if message.content == "twice":
            try:
                await message.reply(content="the default msg_seq again")
            except ServerError as refused:
                tell(event="refused", said=refused.msgs)
            await message.reply(content="with a sequence of its own", msg_seq=2)
        if message.content.startswith("picture "):
            url = message.content.split()[1]
            openid = message.author.user_openid
            media = await self.api.post_c2c_file(openid=openid, file_type=1, url=url)
            await message.reply(msg_type=7, media=media, msg_seq=2)

    async def on_group_at_message_create(self, message: GroupMessage) -> None:
        await message.reply(content=f"botpy heard: {message.content.strip()}")

    async def on_at_message_create(self, message: Message) -> None:
        answer = await message.reply(content="botpy heard the guild")
        tell(event="sent", id=answer["id"])

    async def on_direct_message_create(self, message: DirectMessage) -> None:
        await message.reply(content=f"botpy heard: {message.content}")


def main() -> None:
    address, app_id, secret = sys.argv[1:]
    point_at(address)
    intents = botpy.Intents(public_messages=True, public_guild_messages=True, direct_message=True)
    Peer(intents=intents, bot_log=None, ext_handlers=False).run(appid=app_id, secret=secret)


if __name__ == "__main__":
    main()
