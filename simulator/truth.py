"""The truth of what each user sees: ordered bubbles, one screen for each conversation (sheet 8.11)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.clock import rfc3339

Observer = Callable[[str, str, str, "Bubble"], None]
KEPT_BUBBLES = 1000


@dataclass(slots=True)
class Bubble:
    """One bubble. `state`: done, streaming, rolled_back, finalised, recalled; hidden ones were never delivered."""

    id: str
    sender: str
    kind: str
    text: str
    state: str
    at: float
    media: dict[str, Any] | None = None
    author: str | None = None
    keyboard: dict[str, Any] | None = None
    hidden: bool = False

    def view(self) -> dict[str, Any]:
        """Return the bubble as the control surface shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "from": self.sender,
            "kind": self.kind,
            "text": self.text,
            "state": self.state,
            "at": rfc3339(self.at),
        }
        for name in ("media", "author", "keyboard"):
            value = getattr(self, name)
            if value is not None:
                shown[name] = value
        return shown


class Screens:
    """Every conversation of one bot as its user sees it."""

    def __init__(self, app_id: str, observers: set[Observer]) -> None:
        self._app_id = app_id
        self._observers = observers
        self._screens: dict[tuple[str, str], list[Bubble]] = {}

    def add(self, scene: str, target: str, bubble: Bubble) -> Bubble:
        """Put a bubble at the end of that conversation; return it."""
        screen = self._screens.setdefault((scene, target), [])
        screen.append(bubble)
        if len(screen) > KEPT_BUBBLES:
            del screen[: len(screen) - KEPT_BUBBLES]
        self.changed(scene, target, bubble)
        return bubble

    def changed(self, scene: str, target: str, bubble: Bubble) -> None:
        """Tell whoever watches that this bubble looks different now."""
        if bubble.hidden:
            return
        for observer in tuple(self._observers):
            observer(self._app_id, scene, target, bubble)

    def find(self, scene: str, target: str, bubble_id: str) -> Bubble | None:
        """Return the bubble of that id in that conversation."""
        return next((each for each in self._screens.get((scene, target), ()) if each.id == bubble_id), None)

    def bubbles(self, scene: str, target: str) -> list[dict[str, Any]]:
        """Return what the user sees there now, oldest first."""
        return [each.view() for each in self._screens.get((scene, target), ()) if not each.hidden]

    def each(self) -> Iterator[tuple[str, str]]:
        """Return the scene and target of every conversation."""
        return iter(tuple(self._screens))
