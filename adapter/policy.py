"""What one reply must keep to: fixed when it starts, from the bot's settings and the message it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from adapter.dialects import Dialect
from adapter.ways import DIRECT_LIMIT


class DeadReference(StrEnum):
    """What to do when the msg_id of a passive reply is dead, foreign or used up."""

    PROACTIVE = "proactive"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Policy:
    dialect: Dialect | None
    """None: this scene never streams (groups, guild channels, guild DMs: sheet 0.1 fact 2)."""
    reference: str | None = None
    """The inbound msg_id a passive reply names; None: proactive from the start."""
    reference_until: float | None = None
    """Machine time (seconds) at which QQ's window for ``reference`` ends (sheet 3.4)."""
    interval: float = 0.5
    """Seconds between the starts of two frames of one stream."""
    closing_gap: float = 0.3
    """Seconds between QQ's last answer and the next frame; also all that a closing frame waits (sheet 4.2.2 r12)."""
    open_after: int = 12
    """Visible characters before a stream is opened (sheet 4.2.4)."""
    opening_grace: float = 0.005
    """Seconds between "enough is there" and the opening frame: a reply that is there at once may arrive in several
    packets, and one big delta followed at once by an empty close may render nothing (sheet 4.1)."""
    frame_bytes: int | None = None
    """Most bytes of text in one frame; None: the dialect's own default. In the current one a bubble holds no more."""
    message_bytes: int = 18_000
    """Most bytes of text in one plain message. QQ publishes no limit and took 32,000 characters in one chat (sheet 3.7,
    one source); this is what the current dialect's bubbles hold, so that none looks different [D]."""
    smallest_bytes: int = 200
    """QQ calls a text of fewer than twice these bytes too long: its length is not the reason."""
    markdown: bool = True
    on_dead_reference: DeadReference = DeadReference.PROACTIVE
    notice: str = ""
    """Told to the user when they would otherwise see nothing; empty: nothing is told."""
    delays: tuple[float, ...] = (1.0, 2.0, 4.0)
    """Seconds before the second, third, … try of a frame; the last one goes on (sheet 4.2.4)."""
    longest_wait: float = 60.0
    """Seconds that one try waits because QQ asked for it (no such header was seen yet, sheet 6.2). Asked for more, the
    frame is given up instead, so that no stream stands open for an hour; a closing frame is tried again after this."""
    tries: int = 8
    """Tries of one frame in a row before the machine gives it up."""
    pairs: bool = True
    """Whether the scene's messages carry a msg_seq; guild endpoints know none (sheet 3.2)."""
    uploads: bool = True
    """Whether the scene has a files endpoint; guild scenes take a picture's address instead (sheet 3.2)."""
    media_passive: bool = False
    """Whether media answers the inbound message where its window is open; else it goes without a msg_id."""
    direct_limit: int = DIRECT_LIMIT
    """Bytes up to which a file goes inline; larger ones go in parts."""
    way_tries: int = 2
    """Tries of an upload whose outcome is unknown, and of a fetch, before the next way is taken."""
    part_silence: float = 60.0
    """Seconds the storage may take to answer once a part is out."""
    part_tries: int = 12
    """Tries of one part in a row, however much time QQ allows for them."""
    fresh_prepares: int = 2
    """How often an upload in parts begins anew."""
    allow_private: bool = False
    """Whether media may lie at an address inside a network (the owner's own word: ``bot add --allow-private-urls``)."""
