"""Secrets cut out of text that is stored or logged: tokens, app secrets, authorisation, signed URLs."""

from __future__ import annotations

import re

_SUSPECT = re.compile(r"token|secret|authorization|QQBot|presigned|raw_url", re.IGNORECASE)

_NAMED = re.compile(
    r"""((?:access_?token|client_?secret|app_?secret|authorization) # the name, in JSON, a query or a header
        (?:\\*["'])?\s*[:=]\s*(?:\\*["'])?  # however it is quoted, also inside a string
        (?:(?:QQBot|Bearer|Bot)\s+)?)
        [^\s"'\\,;&}<]+""",
    re.IGNORECASE | re.VERBOSE,
)
_SCHEME = re.compile(r"\b(QQBot|Bearer)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
_SIGNED = re.compile(
    r'((?:presigned|raw)_url(?:\\*")?\s*:\s*(?:\\*")?[^"?\s]*\?)(?:[^"\\\s]|\\+u[0-9a-f]{4}|\\+/)*', re.IGNORECASE
)


def redact(text: str) -> str:
    """``text`` with every secret replaced by ``***``; the same string where it holds none. Never raises."""
    if not _SUSPECT.search(text):
        return text
    text = _NAMED.sub(r"\1***", text)
    text = _SCHEME.sub(r"\1 ***", text)
    return _SIGNED.sub(r"\1***", text)


def bare_address(url: str) -> str:
    """``url`` without what may be a credential: user, query and fragment. ``***`` stands for a query."""
    address, _, _ = url.partition("#")
    address, asks, _ = address.partition("?")
    scheme, slashes, rest = address.partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}" + ("?***" if asks else "")
