"""One bot that calls the platform by HTTP, as dumb as can be."""

import base64
import io
import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from simulator import Simulator

USER = "A0B1C2D3E4F5A6B7C8D9E0F1A2B3C4D5"
GROUP = "F0E1D2C3B4A5968778695A4B3C2D1E0F"
CHANNEL = "123456"


@dataclass
class Reply:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> int | None:
        return self.body.get("code") if isinstance(self.body, dict) else None

    @property
    def refused(self) -> tuple[int, int | None]:
        return self.status, self.code


class BotCaller:
    """The bot's side of the wire, as dumb as can be."""

    def __init__(self, sim: Simulator, http: aiohttp.ClientSession, app_id: str, secret: str) -> None:
        self.sim = sim
        self.http = http
        self.app_id = app_id
        self.secret = secret
        self.token: str | None = None

    async def log_in(self) -> Reply:
        reply = await self.call(
            "POST", "/app/getAppAccessToken", {"appId": self.app_id, "clientSecret": self.secret}, token=None
        )
        self.token = reply.body.get("access_token")
        return reply

    async def call(self, method: str, path: str, body: Any = None, *, token: str | None = "own") -> Reply:
        headers = {}
        if token is not None:
            headers["Authorization"] = f"QQBot {self.token}" if token == "own" else token
        url = path if path.startswith("http") else self.sim.url + path
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = io.BytesIO(json.dumps(body).encode())
        async with self.http.request(method, url, data=data, headers=headers) as answer:
            text = await answer.text()
            kind = answer.headers.get("Content-Type", "")
            parsed = await answer.json(content_type=None) if "json" in kind and text else text
            return Reply(answer.status, parsed, dict(answer.headers))

    async def post(self, path: str, body: Any) -> Reply:
        return await self.call("POST", path, body)

    async def said(self, text: str = "你好", target: str = USER, **details: Any) -> str:
        return await self.sim.say(self.app_id, target, text, **details)

    async def message(self, target: str = USER, *, group: bool = False, **body: Any) -> Reply:
        kind = "groups" if group else "users"
        return await self.post(f"/v2/{kind}/{target}/messages", {"msg_type": 0, "content": "好的"} | body)

    async def frame(self, text: str, *, index: int = 0, state: int = 1, target: str = USER, **body: Any) -> Reply:
        """One frame of stream_messages; fields given as None are left out."""
        whole = {
            "input_mode": "replace",
            "input_state": state,
            "index": index,
            "content_type": "markdown",
            "content_raw": text,
            "msg_seq": 1,
        } | body
        whole = {name: value for name, value in whole.items() if value is not None}
        return await self.post(f"/v2/users/{target}/stream_messages", whole)

    async def delta(
        self,
        text: str,
        *,
        index: int = 0,
        state: int = 1,
        id: str | None = None,
        reset: bool | None = None,
        **body: Any,
    ) -> Reply:
        """One frame of messages.stream, markdown unless msg_type is 0; msg_seq is index + 1 unless given."""
        stream: dict[str, Any] = {"state": state, "index": index}
        if id is not None:
            stream["id"] = id
        if reset is not None:
            stream["reset"] = reset
        words = {"content": text} if body.get("msg_type") == 0 else {"markdown": {"content": text}}
        whole = {"msg_type": 2, "msg_seq": index + 1, "stream": stream} | words | body
        return await self.post(f"/v2/users/{USER}/messages", whole)

    async def media(self, content: bytes = b"\x89PNG....", *, kind: int = 1, group: bool = False, **body: Any) -> Reply:
        place = f"groups/{GROUP}" if group else f"users/{USER}"
        given = {"file_type": kind, "file_data": base64.b64encode(content).decode(), "srv_send_msg": False}
        return await self.post(f"/v2/{place}/files", given | body)

    def screen(self, scene: str = "c2c", target: str = USER) -> list[tuple[str, str]]:
        """Return text and state of the bot's bubbles there."""
        bubbles = self.sim.screen(self.app_id, scene, target)
        return [(each["text"], each["state"]) for each in bubbles if each["from"] == "bot"]
