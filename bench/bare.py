"""The other side of the scales: the same posts of the same pieces by a bare keep-alive aiohttp loop.

It reads the model's stream, keeps the same throttle and speaks the same dialect, and does nothing else: no record, no
retry, no checks. ``python -m bench.bare`` runs one load and prints what it let go, as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import asdict
from typing import Any

import aiohttp

from bench.platform import BARE, Platform
from bench.streams import CLOSING_GAP, INTERVAL, Load, Release

OPEN_AFTER = 12


class Stream:
    """One reply: a task reads, another posts."""

    def __init__(self, platform: Platform, token: str, openid: str, msg_id: str, model: str) -> None:
        self._platform, self._openid, self._msg_id, self._model = platform, openid, msg_id, model
        self._headers = {"Authorization": f"QQBot {token}"}
        self._text = ""
        self._whole = False
        self._more = asyncio.Event()
        self.releases: list[Release] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read())
            tasks.create_task(self._post())

    async def _read(self) -> None:
        body = {"model": self._model, "stream": True, "messages": [{"role": "user", "content": "bench"}]}
        async with self._platform.http.post(f"{self._platform.url}/v1/chat/completions", json=body) as answer:
            tail = b""
            while chunk := await answer.content.readany():
                *lines, tail = (tail + chunk).split(b"\n")
                for line in lines:
                    if line.startswith(b"data: {"):
                        self._text += json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
                        self._more.set()
        self._whole = True
        self._more.set()

    async def _post(self) -> None:
        body: dict[str, Any] = {"input_mode": "replace", "content_type": "markdown", "msg_seq": 1, "index": 0}
        body["msg_id"] = self._msg_id
        sent, started, answered, closed = 0, 0.0, 0.0, False
        while not closed:
            until = None
            while True:
                self._more.clear()
                ready = self._whole or (len(self._text) > sent and (sent or len(self._text) >= OPEN_AFTER))
                due = answered + CLOSING_GAP if self._whole else max(answered + CLOSING_GAP, started + INTERVAL)
                left = due - time.monotonic()
                if ready and left <= 0:
                    break
                if ready:
                    until = due
                try:
                    async with asyncio.timeout(left if ready else None):
                        await self._more.wait()
                except TimeoutError:
                    pass
            closed, sent, started = self._whole, len(self._text), time.monotonic()
            body |= {"input_state": 10 if closed else 1, "content_raw": self._text}
            self.releases.append(Release(self._msg_id, until if until and until <= started else None))
            url = f"{self._platform.url}/v2/users/{self._openid}/stream_messages"
            async with self._platform.http.post(url, json=body, headers=self._headers) as answer:
                body["stream_msg_id"] = (await answer.json())["id"]
            answered = time.monotonic()
            body["index"] += 1


async def replay(url: str, load: Load) -> list[Release]:
    """Run the load and return what was let go, in order."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        platform = Platform(url, http)
        app_id, secret = BARE
        asked = {"appId": app_id, "clientSecret": secret}
        async with http.post(f"{url}/app/getAppAccessToken", json=asked) as answer:
            token = (await answer.json(content_type=None))["access_token"]

        async def one(number: int) -> list[Release]:
            await asyncio.sleep(load.begins(number))
            openid = load.openid(number)
            stream = Stream(platform, token, openid, await platform.say(app_id, openid, "bench"), load.model)
            await stream.run()
            return stream.releases

        return [release for mine in await asyncio.gather(*map(one, range(load.streams))) for release in mine]


def main() -> None:
    """Say that all is imported, wait for a line on standard input, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("load", type=json.loads)
    given = parser.parse_args()
    print("ready", flush=True)
    input()
    print(json.dumps([asdict(release) for release in asyncio.run(replay(given.url, Load(**given.load)))]), flush=True)
    input()


if __name__ == "__main__":
    main()
