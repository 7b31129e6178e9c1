"""What a session is called where QQ gave it no name."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

UNNAMED = {
    "c2c": _("User {id}"),
    "group": _("Group {id}"),
    "guild": _("Guild channel {id}"),
    "dm": _("Guild message {id}"),
}
TAIL = 6
"""Characters of QQ's id that tell two unnamed sessions apart."""


def title_of(session: dict[str, Any]) -> str:
    """Return the name of a session document, or its scene and the end of QQ's id, in the active language."""
    if session["name"]:
        return str(session["name"])
    return str(UNNAMED[session["scene"]]).replace("{id}", session["target_id"][-TAIL:])
