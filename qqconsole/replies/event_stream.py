"""Server-sent events: bytes in, the events' data out. Pure; of the format only what a model's stream uses.

The data stays bytes: an event that is not UTF-8 must not take the ones before it along.
"""

from __future__ import annotations

MOST_BYTES = 16 * 1024 * 1024
"""One event may carry a 4 MB picture as base64 in a tool call, and no more than some times that."""


class TooLong(ValueError):
    """An event (or a whole body) grew past ``MOST_BYTES``."""


class EventStream:
    """Decodes one stream. Lines end in LF, CRLF or CR, wherever the network cut them."""

    __slots__ = ("_after_cr", "_data", "_held", "_tail")

    def __init__(self) -> None:
        self._tail = bytearray()
        self._data: list[bytes] = []
        self._held = 0
        self._after_cr = False

    def feed(self, received: bytes) -> list[bytes]:
        """Return the data of every event that ``received`` completes, in order. Raises TooLong."""
        if self._untouched and _is_one_event(received):
            return [received[6:-2]]
        if self._after_cr and received.startswith(b"\n"):
            received = received[1:]
        if not received:
            return []
        self._after_cr = received.endswith(b"\r")
        self._held += len(received)
        if self._held > MOST_BYTES:
            raise TooLong
        if b"\n" not in received and b"\r" not in received:
            self._tail += received
            return []
        lines = (bytes(self._tail) + received if self._tail else received).splitlines()
        self._tail = bytearray() if received.endswith((b"\n", b"\r")) else bytearray(lines.pop())
        return self._events(lines)

    def finish(self) -> list[bytes]:
        """Return the data of a last event that no empty line closed; it may be cut in the middle."""
        return self._events([bytes(self._tail), b""])

    @property
    def _untouched(self) -> bool:
        """Whether nothing is held back from the bytes before."""
        return not (self._tail or self._data or self._after_cr)

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line and self._data:
                events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data.clear()
        if not self._data:
            self._held = len(self._tail)
        return events


def _is_one_event(received: bytes) -> bool:
    """Nearly every read of a live stream is just that."""
    return (
        received[:6] == b"data: " and received[-2:] == b"\n\n" and received.count(b"\n") == 2 and b"\r" not in received
    )


class WholeBody:
    """The same for a server that answers with one JSON body although a stream was asked for."""

    __slots__ = ("_body",)

    def __init__(self) -> None:
        self._body = bytearray()

    def feed(self, received: bytes) -> list[bytes]:
        """Return nothing yet. Raises TooLong."""
        self._body += received
        if len(self._body) > MOST_BYTES:
            raise TooLong
        return []

    def finish(self) -> list[bytes]:
        """Return the whole body as one event's data."""
        return [bytes(self._body)]
