"""Who is asking: a signed-in person or an API token, and whether as an admin."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

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
