"""The other side of the scales for uploads: the same requests by a bare keep-alive aiohttp loop.

Prepare, then for each part read, MD5, PUT and part_finish, then the merge and the message. No record, no retry, no
checks. ``python -m bench.bare_upload URL PATH`` does it once for each line on standard input and prints the seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from bench.platform import BARE

TARGET = "BAREUPLOAD"
HEAD = 10_002_432
FILE = 4


def sums(path: Path) -> dict[str, str]:
    """Return what a prepare says of the file. The console has it since it took the file in; so it is not measured."""
    md5, sha1, head = hashlib.md5(), hashlib.sha1(), hashlib.md5()
    with path.open("rb") as file:
        head.update(file.read(HEAD))
        file.seek(0)
        while block := file.read(1_048_576):
            md5.update(block)
            sha1.update(block)
    size = str(path.stat().st_size)
    return {"file_size": size, "md5": md5.hexdigest(), "sha1": sha1.hexdigest(), "md5_10m": head.hexdigest()}


class Loop:
    """One bot's session with the platform."""

    def __init__(self, url: str, token: str, http: aiohttp.ClientSession) -> None:
        self._at = f"{url}/v2/users/{TARGET}"
        self._headers = {"Authorization": f"QQBot {token}"}
        self._http = http

    async def _post(self, path: str, **body: Any) -> Any:
        async with self._http.post(f"{self._at}/{path}", json=body, headers=self._headers) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def upload(self, path: Path, known: dict[str, str]) -> None:
        """Bring the file to the user."""
        prepared = await self._post("upload_prepare", file_type=FILE, file_name=path.name, **known)
        upload = prepared["upload_id"]
        with path.open("rb") as file:
            for part in prepared["parts"]:
                data = file.read(int(part["block_size"]))
                md5 = hashlib.md5(data).hexdigest()
                async with self._http.put(part["presigned_url"], data=io.BytesIO(data)) as answer:
                    answer.raise_for_status()
                finish = {"part_index": part["index"], "block_size": str(len(data)), "md5": md5}
                await self._post("upload_part_finish", upload_id=upload, **finish)
        stored = await self._post("files", file_type=FILE, file_name=path.name, upload_id=upload, srv_send_msg=False)
        await self._post("messages", msg_type=7, media={"file_info": stored["file_info"]})


async def serve(url: str, path: Path) -> None:
    """Upload the file whenever a line comes in."""
    known = sums(path)
    app_id, secret = BARE
    async with aiohttp.ClientSession() as http:
        asked = {"appId": app_id, "clientSecret": secret}
        async with http.post(f"{url}/app/getAppAccessToken", json=asked) as answer:
            loop = Loop(url, (await answer.json(content_type=None))["access_token"], http)
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            began = time.monotonic()
            await loop.upload(path, known)
            print(json.dumps({"seconds": time.monotonic() - began}), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
