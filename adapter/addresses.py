"""Which media addresses may be given to QQ, which fetches them itself (sheet 5.1), or asked by us (``outside``).

No name is looked up here: QQ resolves it on its side, and what a name means there cannot be known here. What is
looked at is what the address says of itself: scheme, credentials, and hosts that name an inside on their face.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import urlsplit

from adapter.errors import AddressRefused

_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_INSIDE_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa")
_CARRIES_IPV4 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
"""All that is given out (RFC 4291). Site-local and translated addresses lie elsewhere, and Python calls them global."""
_CLOUD = ipaddress.IPv4Address("168.63.129.16")
"""Public by its number, but Azure's own host, which tells a machine inside what is nobody else's business."""


def check_address(url: str, allow_private: bool = False) -> None:
    """Return when QQ may be given ``url``. Raises AddressRefused with one word of why:

    form (not an address), scheme (not http or https), credentials, host (none), port, private (an inside host).
    ``allow_private`` lets inside hosts through, nothing else.
    """
    if _UNFIT.search(url):
        raise AddressRefused("form", "the address holds white space, control characters or a backslash")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefused("port" if "ort" in str(error) else "form", f"no address: {error}") from error
    if parts.scheme.lower() not in ("http", "https"):
        raise AddressRefused("scheme", "only http and https addresses can be fetched")
    if "@" in parts.netloc:
        raise AddressRefused("credentials", "the address holds a user name or password")
    if not host:
        raise AddressRefused("host", "the address names no host")
    if port == 0:
        raise AddressRefused("port", "port 0 is no port")
    if not allow_private and _is_inside(host):
        raise AddressRefused("private", "the address names a host inside a network, which QQ cannot reach")


def _is_inside(host: str) -> bool:
    # Full-width digits and ideographic full stops are the same host to whoever resolves it.
    plain = unicodedata.normalize("NFKC", host).replace("。", ".").lower().rstrip(".")
    if address := _literal(plain):
        return _is_inside_address(address)
    if not plain or "." not in plain:
        return True
    return any(plain == name or plain.endswith(f".{name}") for name in _INSIDE_NAMES)


def is_inside_address(address: str) -> bool:
    """Whether the IP ``address`` is no public one. True as well for what is no address at all."""
    literal = _literal(address)
    return literal is None or _is_inside_address(literal)


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address ``host`` spells: dotted, decimal, octal, hexadecimal, shortened, or IPv6 with a zone."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not re.fullmatch(r"[0-9a-fx.]+", host) or not host[0].isdigit():
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _is_inside_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and (address in _CARRIES_IPV4 or int(address) >> 32 == 0):
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return _is_inside_address(carried)
        if address not in _GLOBAL_IPV6:
            return True
    return not address.is_global or address.is_multicast or address == _CLOUD
