"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


def client_address(request: HttpRequest) -> str:
    """The caller; behind our own proxy the address that proxy saw (the last it wrote: nobody can forge it)."""
    if settings.BEHIND_HTTPS:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR") or "")


def is_this_machine(request: HttpRequest) -> bool:
    """Whether the request was made on this machine and by nobody's order: loopback, through no proxy."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "").is_loopback
    except ValueError:
        return False
