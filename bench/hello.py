"""The floor for starting and for idle memory: a bare Daphne that says one word. ``python -m bench.hello PORT``."""

from __future__ import annotations

import sys
from typing import Any


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Say ok to whatever is asked."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"ok"})


def main() -> None:
    """Serve until the process is ended."""
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server

    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=int(sys.argv[1]))
    Server(application=application, endpoints=endpoints, verbosity=0).run()


if __name__ == "__main__":
    main()
