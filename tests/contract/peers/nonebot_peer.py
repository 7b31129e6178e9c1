"""A bot on nonebot's QQ adapter, as its users write one. Usage: nonebot_peer.py HOST:PORT APP_ID SECRET

The platform's address is the adapter's own setting. It says when it is connected on standard output, one JSON
object a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request

import nonebot
from nonebot.adapters.qq import Adapter, Bot, Event, MessageSegment
from nonebot.adapters.qq.event import C2CMessageCreateEvent
from nonebot.adapters.qq.exception import ActionFailed

PIECES = ("流式消息", "一段一段地来，", "最后以换行结束。\n")


def tell(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def start(address: str, app_id: str, secret: str) -> None:
    intent = {"c2c_group_at_messages": True, "direct_message": True}
    nonebot.init(
        _env_file=None,
        driver="~aiohttp",
        log_level="WARNING",
        qq_api_base=f"http://{address}/",
        qq_auth_base=f"http://{address}/app/getAppAccessToken",
        qq_bots=[{"id": app_id, "secret": secret, "intent": intent}],
    )
    nonebot.get_driver().register_adapter(Adapter)


async def stream(bot: Bot, event: C2CMessageCreateEvent) -> None:
    """Three frames in the adapter's way: the pieces are deltas, the id comes from the first answer."""
    stream_id = None
    for index, piece in enumerate(PIECES, 1):
        state = 10 if index == len(PIECES) else 1
        frame = MessageSegment.stream(state=state, _id=stream_id, index=index)
        sent = await bot.send(event, MessageSegment.markdown(piece) + frame)
        stream_id = stream_id or sent.id


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def listen() -> None:
    matcher = nonebot.on_message()

    @nonebot.get_driver().on_bot_connect
    async def connected(bot: Bot) -> None:
        tell(event="ready", name=bot.self_info.username)

    @matcher.handle()
    async def answer(bot: Bot, event: Event) -> None:
        words = event.get_plaintext().strip()
        if words == "stream" and isinstance(event, C2CMessageCreateEvent):
            await stream(bot, event)
        elif words.startswith("picture "):
            content = await asyncio.to_thread(fetch, words.split()[1])
            await bot.send(event, MessageSegment.file_image(content))
        elif words == "refuse me":
            try:
                await bot.send_to_c2c(event.get_user_id(), "passive", msg_id="ROBOT1.0_nobody's", msg_seq=1)
            except ActionFailed as refused:
                tell(event="refused", code=refused.code, said=refused.message, trace=refused.trace_id)
        else:
            await bot.send(event, f"nonebot heard: {words}")


if __name__ == "__main__":
    start(*sys.argv[1:])
    listen()
    nonebot.run()
