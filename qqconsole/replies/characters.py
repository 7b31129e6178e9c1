"""A declared transform of the model's text: what no database and no JSON can carry becomes U+FFFD.

NUL characters and halves of surrogate pairs are replaced. A pair whose halves came in two deltas is put together
first (servers that count in UTF-16 cut there).
"""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"
_SUSPECT = re.compile("[\x00\ud800-\udfff]")
_HIGH = re.compile("[\ud800-\udbff]$")


class Characters:
    """One text, given delta by delta."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what of the text so far may be passed on now; the first half of a pair waits for the second."""
        if self._held:
            text, self._held = self._held + text, ""
        if not _SUSPECT.search(text):
            return text
        if _HIGH.search(text):
            text, self._held = text[:-1], text[-1]
        return clean(text)

    def finish(self) -> str:
        """Return what is left at the end: nothing, or U+FFFD for a half that stayed alone."""
        left, self._held = self._held, ""
        return REPLACEMENT if left else ""


def clean(text: str) -> str:
    """Return ``text`` with whole surrogate pairs joined, and lone halves and NUL replaced by U+FFFD."""
    if not _SUSPECT.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", REPLACEMENT)
