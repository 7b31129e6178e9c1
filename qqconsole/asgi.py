"""The ASGI door: pages and API over HTTP, the live view over websocket."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from qqconsole.bodies_on_disk import reading_bodies_from_disk
from qqconsole.request_bodies import limit_request_bodies
from qqconsole.unread_answers import waiting_for_readers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qqconsole.settings")

limit_request_bodies()
pages = waiting_for_readers(reading_bodies_from_disk(get_asgi_application()))

# Consumers import models, which need the application registry that the line above filled.
from qqconsole.live.routing import websocket_application  # noqa: E402

application = ProtocolTypeRouter({"http": pages, "websocket": websocket_application})
