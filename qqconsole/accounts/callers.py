"""Who is asking: a signed-in person or an API token, and whether as an admin."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.http import HttpRequest, parse_cookie

from qqconsole.accounts.models import ApiToken, User
from qqconsole.accounts.tokens import from_header


@dataclass(frozen=True, slots=True)
class Caller:
    name: str
    is_admin: bool
    user: User | None = None
    token: ApiToken | None = None


def caller_of(request: HttpRequest) -> Caller | None:
    """The one who asks, or None for nobody. A bad token is nobody, whatever cookie comes with it."""
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        token = from_header(authorization)
        return Caller(token.name, token.is_admin, token=token) if token else None
    if isinstance(request.user, User) and request.user.is_active:
        return Caller(request.user.get_username(), request.user.is_admin, user=request.user)
    return None


def is_known(cookie: str, authorization: str) -> bool:
    """Whether these two headers are somebody's, before there is a request: for whoever wants to send much.

    For a thread of its own: it leaves no connection to the database open.
    """
    request = HttpRequest()
    if authorization:
        request.META["HTTP_AUTHORIZATION"] = authorization
    request.session = SessionStore(parse_cookie(cookie).get(settings.SESSION_COOKIE_NAME))
    try:
        request.user = get_user(request)
        return caller_of(request) is not None
    finally:
        connections.close_all()
