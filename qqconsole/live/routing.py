"""Websocket addresses."""

from __future__ import annotations

from channels.routing import URLRouter
from django.urls import path, re_path

from qqconsole.live.consumers import LiveConsumer, Nowhere

websocket_application = URLRouter([path("ws/live/", LiveConsumer.as_asgi()), re_path("", Nowhere.as_asgi())])
