"""How often a wrong password may be tried: a window of failures per account and address, and one per address.

Counted in the cache: Redis where there is one, else this process. A right password clears its own count.
"""

from __future__ import annotations

import hashlib
import ipaddress

from django.core.cache import cache

WINDOW = 300
"""Seconds until a count is forgotten, from its last failure on."""
PER_ACCOUNT_AND_ADDRESS = 5
PER_ADDRESS = 50


def is_blocked(account: str, address: str) -> bool:
    """Whether this account may not be tried from this address now, whatever the password."""
    counts: dict[str, int] = cache.get_many([_both(account, address), _alone(address)])
    return (
        counts.get(_both(account, address), 0) >= PER_ACCOUNT_AND_ADDRESS
        or counts.get(_alone(address), 0) >= PER_ADDRESS
    )


def note_failure(account: str, address: str) -> None:
    """Count one wrong try."""
    for key in (_both(account, address), _alone(address)):
        if not cache.add(key, 1, WINDOW):
            try:
                cache.incr(key)
                cache.touch(key, WINDOW)
            except ValueError:
                # It ended between the two calls.
                cache.add(key, 1, WINDOW)


def forget(account: str, address: str) -> None:
    """Clear the count of an account that got in. The address keeps its own: one account must not free others."""
    cache.delete(_both(account, address))


def _both(account: str, address: str) -> str:
    return _key("account", account.casefold(), _place(address))


def _alone(address: str) -> str:
    return _key("address", _place(address))


def _place(address: str) -> str:
    """The IPv4 address; of IPv6 the /64 network, in which one machine may take any address it likes."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    return str(known.ipv4_mapped or ipaddress.IPv6Network((int(known) >> 64 << 64, 64)))


def _key(*parts: str) -> str:
    # What people type may hold anything; a cache key may not.
    return "sign-in:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()
