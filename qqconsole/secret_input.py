"""Secrets for commands: from the environment or standard input, never from the command line, where ``ps`` shows them.

What the environment does not give is taken from standard input, a line each, in the order asked. A person at a
terminal is asked for what is indispensable; a program is waited for, but not for ever.
"""

from __future__ import annotations

import getpass
import io
import os
import select
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from django.core.management.base import CommandError

from qqconsole.environment import read

PATIENCE = 10.0
"""Seconds a program on the other end of standard input has for an indispensable secret."""
GRACE = 0.5
"""Seconds for one that may as well be left out: standard input may be a pipe that nobody ever writes to or closes."""
LONGEST = 64 * 1024
"""Bytes of one line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    variable: str
    """Name of the environment variable (NAME_FILE works too)."""
    words: str
    """What it is, for a person."""
    required: bool


def read_secrets(wanted: Sequence[Wanted]) -> list[str]:
    """The secrets in the order asked, "" for one left out. Raises ``CommandError`` when a required one is missing."""
    lines = _Lines()
    return [_read_secret(one, lines) for one in wanted]


def _read_secret(wanted: Wanted, lines: _Lines) -> str:
    try:
        value = read(wanted.variable)
    except OSError as error:
        raise CommandError(f"{wanted.variable}_FILE cannot be read: {error.strerror or error}.") from error
    if not value:
        value = lines.next(wanted)
    if not value and wanted.required:
        raise CommandError(
            f"{wanted.words[0].upper()}{wanted.words[1:]} is missing. Put it into the environment variable "
            f"{wanted.variable} (or name a file with it in {wanted.variable}_FILE), or send it on standard input."
        )
    return value


class _Lines:
    """Standard input line by line, waiting no longer than told."""

    def __init__(self) -> None:
        self._kept = b""
        self._ended = False

    def next(self, wanted: Wanted) -> str:
        stdin = sys.stdin
        if stdin is None or stdin.closed:
            return ""
        if stdin.isatty():
            return getpass.getpass(f"{wanted.words}: ").strip() if wanted.required else ""
        try:
            descriptor = stdin.fileno()
        except io.UnsupportedOperation:
            return stdin.readline().strip()
        return self._line(descriptor, PATIENCE if wanted.required else GRACE)

    def _line(self, descriptor: int, patience: float) -> str:
        end = monotonic() + patience
        while b"\n" not in self._kept and not self._ended and len(self._kept) < LONGEST:
            readable, _, _ = select.select([descriptor], [], [], max(0.0, end - monotonic()))
            if not readable:
                break
            piece = os.read(descriptor, 4096)
            self._kept += piece
            self._ended = not piece
        line, _, self._kept = self._kept.partition(b"\n")
        try:
            return line.decode().strip()
        except UnicodeDecodeError:
            raise CommandError("What came on standard input is not UTF-8 text.") from None
