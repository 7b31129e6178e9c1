"""The phone page: what a user of the simulated platform sees, and the switches of the platform beside it."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from simulator.faults import ENDPOINTS, FAULTS, FRAMES

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
# Pictures may come from anywhere, as on a phone; code and styles only from here, whatever a message says.
POLICY = (
    "default-src 'self'; img-src * data:; media-src *; connect-src 'self' ws: wss:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)
ENDPOINT_ORDER = (
    "message", "media", "stream", "files", "prepare", "part", "part_finish", "merge", "recall", "token", "gateway",
)  # fmt: skip
FRAME_ORDER = ("opening", "middle", "closing", "none")


def add_phone_routes(app: web.Application) -> None:
    """Serve the page at `/_sim/` and its files below `/_sim/phone/`."""
    app.router.add_get("/_sim", _to_page)
    app.router.add_get("/_sim/", _page)
    app.router.add_get("/_sim/phone/choices.json", _choices)
    app.router.add_get("/_sim/phone/{name}", _file)


async def _to_page(request: web.Request) -> web.Response:
    raise web.HTTPFound("/_sim/")


async def _page(request: web.Request) -> web.StreamResponse:
    return _served("index.html")


async def _file(request: web.Request) -> web.StreamResponse:
    return _served(request.match_info["name"])


async def _choices(request: web.Request) -> web.Response:
    """Return the faults, endpoints and frames a rule may name, in the order the page shows them."""
    endpoints = sorted(ENDPOINTS, key=lambda name: _place(name, ENDPOINT_ORDER))
    frames = sorted(FRAMES, key=lambda name: _place(name, FRAME_ORDER))
    return web.json_response({"faults": list(FAULTS), "endpoints": endpoints, "frames": frames})


def _place(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _served(name: str) -> web.Response:
    """Return one of the page's files; raises 404 for any other name."""
    path = STATIC / name
    if path.parent != STATIC or path.suffix not in KINDS or not path.is_file():
        raise web.HTTPNotFound
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=path.read_bytes(), content_type=KINDS[path.suffix], charset="utf-8", headers=headers)
