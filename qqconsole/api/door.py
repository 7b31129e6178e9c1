"""Who gets in: a bearer token, or a signed-in session (then unsafe methods need the CSRF token)."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.errors import AuthenticationError, AuthorizationError
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from qqconsole.accounts.callers import Caller, caller_of

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class Door(AuthBase):
    """Raises 401 for nobody and 403 for a session without its CSRF token."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Caller:
        caller = caller_of(request)
        if caller is None:
            raise AuthenticationError(message="Send Authorization: Bearer TOKEN, or sign in.")
        if caller.user is not None and request.method not in SAFE_METHODS and check_csrf(request):
            raise AuthorizationError(message="The CSRF token is missing or wrong.")
        return caller


def admitted(request: HttpRequest) -> Caller:
    """Who came in by the door."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller
