"""Charsets: a request's form is read in the charset its sender names, which may be no charset at all."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase


class CharsetMiddleware:
    """Answers 415 where Python knows the name only as something else ("base64"): Django finds that too late."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            "".encode(request.encoding or "utf-8")
        except LookupError:
            return HttpResponse("415 Unsupported charset", status=415, content_type="text/plain")
        return self.get_response(request)
