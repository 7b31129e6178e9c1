"""Which API token a request carries."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from qqconsole.accounts.models import ApiToken

SEEN_EVERY = timedelta(minutes=1)
"""``last_used_at`` is written at most this often: reading the API must not keep the database writing."""


def find(secret: str) -> ApiToken | None:
    """The living token with this secret, or None for an unknown or revoked one."""
    token = ApiToken.objects.filter(digest=ApiToken.digest_of(secret), revoked_at=None).first()
    if token is not None:
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - SEEN_EVERY)
        if token.last_used_at is None or token.last_used_at < now - SEEN_EVERY:
            ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def from_header(authorization: str | None) -> ApiToken | None:
    """The token of an ``Authorization: Bearer …`` header, or None."""
    scheme, _, secret = (authorization or "").partition(" ")
    return find(secret.strip()) if scheme.lower() == "bearer" and secret.strip() else None
