"""A declared transform of the model's text: what no database and no JSON can carry becomes U+FFFD.

NUL characters and halves of surrogate pairs are replaced. A pair whose halves came in two deltas is put together
first (servers that count in UTF-16 cut there).
"""

from __future__ import annotations

from adapter.storable import REPLACEMENT, storable


class Characters:
    """One text, given delta by delta."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what of the text so far may be passed on now; the first half of a pair waits for the second."""
        if self._held:
            text, self._held = self._held + text, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return storable(text)

    def finish(self) -> str:
        """Return what is left at the end: nothing, or U+FFFD for a half that stayed alone."""
        left, self._held = self._held, ""
        return REPLACEMENT if left else ""
