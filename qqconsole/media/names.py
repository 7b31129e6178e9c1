"""File names as people gave them: for the eye only, so nothing in them may lead anywhere or hide anything."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from urllib.parse import unquote

LONGEST = 100
"""Characters, the ending included."""

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control characters, bidirectional overrides, halves of pairs (which cannot be stored), line ends."""
_JOINER = "\u200d"
"""Holds many an emoji together."""
_ENCODED = re.compile(r"(?:[A-Za-z0-9_.~()'!*+-]|%[0-9A-Fa-f]{2})+")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")


def clean_name(name: str) -> str:
    """``name`` without its path, control characters and marks that turn the reading direction; "" if nothing is left.

    Chinese and emoji stay as they are. A long name is shortened before its ending.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(each for each in last if each == _JOINER or unicodedata.category(each) not in _UNSEEN)
    kept = " ".join(kept.split()).lstrip(".").strip()
    if len(kept) > LONGEST:
        found = _ENDING.search(kept)
        ending = found[0] if found else ""
        kept = kept[: LONGEST - len(ending)].rstrip() + ending
    return kept


def sent_name(name: str) -> str:
    """``name`` as a multipart form meant it: some clients (aiohttp) percent-encode it, as RFC 7578 (2) lets them.

    A name that could not have come out of that as it is, or that is no UTF-8 behind it, is taken as it stands.
    """
    if "%" not in name or not _ENCODED.fullmatch(name):
        return name
    try:
        return unquote(name, errors="strict")
    except UnicodeDecodeError:
        return name


def name_for(name: str, mime: str, kind: str) -> str:
    """A name QQ can show: the cleaned one, with the ending its content has where it came without any."""
    cleaned = clean_name(name)
    if cleaned and _ENDING.search(cleaned):
        return cleaned
    ending = mimetypes.guess_extension(mime) or "" if mime else ""
    return clean_name((cleaned or kind) + ending)
