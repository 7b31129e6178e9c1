"""The other side of the scales for the live view: a bare websocket server and a page that shows what it says.

It writes a piece for each of so many streams every second, sends every viewer one frame each 50 ms, made once, and
keeps nothing. ``python -m bench.bare_page PORT STREAMS``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress

from aiohttp import web

TICK = 0.05
PAGE = """<!doctype html><title>bare</title><p></p><script>
const shown = document.querySelector("p");
new WebSocket(location.href.replace("http", "ws") + "ws/live/").onmessage = (message) => {
  for (const event of JSON.parse(message.data).events)
    if (event.stream === 0) requestAnimationFrame(() => (shown.textContent += event.text));
};
</script>"""


class Page:
    """The server: its viewers, and what they get."""

    def __init__(self, streams: int) -> None:
        self._streams = streams
        self._viewers: set[web.WebSocketResponse] = set()

    async def page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._viewers.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self._viewers.discard(socket)
        return socket

    async def write(self) -> None:
        """Go on until the process ends."""
        began, number = time.monotonic(), 0
        while True:
            await asyncio.sleep(TICK)
            events = []
            # Each piece is stamped with the moment it was due: on the average half a tick ago.
            while (due := began + number / self._streams) <= time.monotonic():
                stream, piece = number % self._streams, number // self._streams
                events.append({"type": "bare", "stream": stream, "text": f"[{piece}@{due:.6f}]"})
                number += 1
            text = json.dumps({"type": "events", "events": events}, separators=(",", ":"))
            for viewer in tuple(self._viewers):
                with suppress(ConnectionError):
                    await viewer.send_str(text)


async def serve(port: int, streams: int) -> None:
    """Serve until the process is ended."""
    page = Page(streams)
    app = web.Application()
    app.router.add_get("/", page.page)
    app.router.add_get("/ws/live/", page.live)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await page.write()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
