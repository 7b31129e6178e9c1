"""Who may watch: a signed-in person from a page of our own, or the holder of an API token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from qqconsole.accounts import tokens
from qqconsole.accounts.models import ApiToken, User

NOT_SIGNED_IN = 4401
FOREIGN_ORIGIN = 4403


@dataclass(frozen=True, slots=True)
class Viewer:
    """One of both is set."""

    session_key: str = ""
    token_id: int | None = None


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a websocket request says of its sender."""

    authorization: str = ""
    origin: str = ""
    host: str = ""
    session_key: str = ""


def admit(handshake: Handshake) -> Viewer | int:
    """Return the viewer, or the close code that turns the socket away. A bad token is nobody, whatever cookie
    comes with it.
    """
    if handshake.authorization:
        token = tokens.from_header(handshake.authorization)
        return Viewer(token_id=token.pk) if token else NOT_SIGNED_IN
    if not is_own_origin(handshake.origin, handshake.host, settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS):
        return FOREIGN_ORIGIN
    viewer = Viewer(session_key=handshake.session_key)
    return viewer if may_still_watch(viewer) else NOT_SIGNED_IN


def may_still_watch(viewer: Viewer) -> bool:
    """Whether the sign-in or the token is good at this moment (asks the database)."""
    if viewer.token_id is not None:
        return ApiToken.objects.filter(pk=viewer.token_id, revoked_at=None).exists()
    if not viewer.session_key:
        return False
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(viewer.session_key)
    user = get_user(request)
    return isinstance(user, User) and user.is_active


def is_own_origin(origin: str, host: str, allowed: Sequence[str], trusted: Sequence[str]) -> bool:
    """Whether the page that opens the socket is ours: cookies go along from any page, ports do not part them."""
    if origin in trusted:
        return True
    name, _ = split_domain_port(host)
    try:
        same = urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
    return bool(origin) and same and bool(name) and validate_host(name, list(allowed))
