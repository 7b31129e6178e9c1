"""What counts as visible, what a text weighs on the wire, and how an address is made harmless."""

from __future__ import annotations

import re
import unicodedata

from wcwidth import grapheme_boundary_before

_INVISIBLE = {"Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp", "Cs"}
"""Unassigned (Cn) and private (Co) characters count as visible: an emoji newer than Python's tables is one."""


def visible_length(text: str, enough: int) -> int:
    """Visible characters of ``text``, counted no further than ``enough``."""
    count = 0
    for character in text:
        if not character.isspace() and unicodedata.category(character) not in _INVISIBLE:
            count += 1
            if count >= enough:
                break
    return count


def is_blank(text: str) -> bool:
    return visible_length(text, 1) == 0


def weight(text: str) -> int:
    """Bytes of ``text`` on the wire (UTF-8)."""
    return len(text.encode(errors="replace"))


def fits(text: str, budget: int) -> bool:
    """Whether ``text`` is at most ``budget`` bytes."""
    return len(text) * 4 <= budget or (len(text) <= budget and weight(text) <= budget)


def reach(text: str, budget: int, start: int = 0) -> int:
    """How far ``text`` goes from ``start`` within ``budget`` bytes, to the end of a code point."""
    if budget <= 0:
        return start
    encoded = text[start : start + budget].encode(errors="replace")[:budget]
    return start + len(encoded.decode(errors="ignore"))


def cluster_start(text: str, at: int) -> int:
    """The last place up to ``at`` where one character as a reader sees it ends and the next begins: no emoji family,
    flag or combining mark is broken (UAX 29)."""
    return at if at <= 0 or at >= len(text) else grapheme_boundary_before(text, at + 1)


_SCHEME = re.compile(r"(?i)\b(https?)://")
_DOTTED = re.compile(
    r"(?<![A-Za-z0-9_.-])(?P<number>\d+\.\d+)(?!\.?[A-Za-z0-9_-])"
    r"|(?<=[A-Za-z0-9\u4e00-\u9fff_-])\.(?=[A-Za-z0-9\u4e00-\u9fff])"
)


def neutralise_addresses(text: str) -> str:
    """``text`` with nothing left that QQ takes for an address: groups refuse unregistered ones, even ``x.sh`` and
    ``x.md`` (sheet 3.2, 40054010 and 304003). A declared transform of the same length: ``https://a.b`` becomes
    ``https：//a。b``; a plain decimal number stays."""
    return _DOTTED.sub(lambda found: found["number"] or "。", _SCHEME.sub(r"\1：//", text))
