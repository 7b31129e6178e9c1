"""The content security policy: all from this host, nothing inline, nobody frames the console."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase


def content_policy(host: str) -> str:
    """The policy for pages served as ``host``. Older browsers do not count its ws:// address as 'self'."""
    connect = f"'self' ws://{host} wss://{host}" if host else "'self'"
    return "; ".join(
        [
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            f"connect-src {connect}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


class ContentPolicyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        try:
            host = request.get_host()
        except DisallowedHost:
            host = ""
        response.headers.setdefault("Content-Security-Policy", content_policy(host))
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if isinstance(response, HttpResponse) and not response.headers.get("Cache-Control"):
            response.headers["Cache-Control"] = "private, no-store"
        return response
