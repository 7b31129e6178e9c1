"""Addresses of the API. It has its own door, so the console's "signed in?" question is not asked here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from qqconsole.api import errors, resending, sending
from qqconsole.api.door import Door

View = Callable[..., HttpResponse]


def behind_door(view: View) -> View:
    """The schema's own view asks for no token by itself."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            door(request)
        except Exception as error:  # noqa: BLE001 -- handed to the API's own error documents
            return api.on_exception(request, error)
        return view(request, *args, **kwargs)

    return guarded


def with_own_door(pattern: URLPattern) -> URLPattern:
    """Exempt the view from the sign-in page, and put Django's bare 405 into the API's words."""
    view = pattern.callback

    @login_not_required
    @csrf_exempt
    @wraps(view)
    def api_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = view(request, *args, **kwargs)
        if response.status_code == 405:
            refusal = errors.error_response(405, "This address does not take this method.")
            refusal.headers["Allow"] = response.headers["Allow"]
            return refusal
        return response

    pattern.callback = api_view
    return pattern


door = Door()
api = NinjaAPI(
    title="qqconsole",
    version="1",
    description="Sessions and deliveries with every chunk and what QQ answered to it; sending, and sending again.",
    urls_namespace="api",
    auth=door,
    docs_url=None,
    docs_decorator=behind_door,
)
errors.register(api)
api.add_router("", sending.router)
api.add_router("", resending.router)

_ninja = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)]
_nothing = login_not_required(csrf_exempt(errors.not_found))

app_name = "api"
urlpatterns = [
    # Django Ninja asks where this one lies, to name the other addresses in its schema.
    path("", _nothing, name="api-root"),
    *(with_own_door(pattern) for pattern in _ninja if pattern.name != "api-root"),
    re_path(r"^(?P<path>.*)$", _nothing, name="nothing"),
]
