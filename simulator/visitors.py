"""Which requests a browser may bring: the platform asks for no password, and other people's web pages run in it too.

A page of another origin is turned away, and so is a name that only looks like this machine (DNS rebinding): a name
with dots in it belongs to somebody, who may let it point here.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


def own_visitors_only(host: str, public_url: str | None) -> Middleware:
    """Return the middleware that answers 403 to a foreign page; ``host`` and ``public_url`` are names of ours."""
    own = {host.lower(), (urlsplit(public_url or "").hostname or "").lower()}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_own_name(request.host, own) or not is_own_page(
            request.headers.get("Origin"), request.host, public_url
        ):
            raise web.HTTPForbidden(text="This page may not speak to the simulator.\n")
        return await handler(request)

    return check


def is_own_name(host: str, own: set[str]) -> bool:
    """Whether a Host header names this machine: an address, a name without dots, or one of ``own``."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    if ("." not in name and ":" not in name) or name in own or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_own_page(origin: str | None, host: str, public_url: str | None) -> bool:
    """Whether the page that asks is ours; bots send no Origin."""
    if origin is None:
        return True
    own = {host.lower()} | ({urlsplit(public_url).netloc.lower()} if public_url else set())
    try:
        return urlsplit(origin).netloc.lower() in own
    except ValueError:
        return False
