"""Buttons under a message: what QQ takes (sheet 3.2)."""

from typing import Any

from simulator.codes import Refusal

STYLES = (0, 1, 3, 4)


def refuse_keyboard(keyboard: Any) -> None:
    """Raise 50035, 40034029 (more than 5 by 5) or 305007 (style) for what QQ would not take; None is no keyboard."""
    if keyboard is None:
        return
    if not isinstance(keyboard, dict) or bool(keyboard.get("id")) == bool(keyboard.get("content")):
        raise Refusal(50035)
    if keyboard.get("id"):
        return
    content = keyboard["content"]
    rows = content.get("rows") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refusal(50035)
    if len(rows) > 5 or any(len(row.get("buttons") or ()) > 5 for row in rows):
        raise Refusal(40034029)
    for row in rows:
        for button in row.get("buttons") or ():
            _refuse_button(button)


def _refuse_button(button: Any) -> None:
    look = button.get("render_data") if isinstance(button, dict) else None
    if not isinstance(look, dict) or not isinstance(look.get("label"), str) or len(look["label"]) > 10:
        raise Refusal(50035)
    if look.get("style", 0) not in STYLES:
        raise Refusal(305007)
