"""Anybody may send the console a long body: it is refused while it comes, and memory stays as it was."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from qqconsole.request_bodies import LIMIT
from tests.worker.console_process import ConsoleProcess

MEGABYTE = b"a" * 1_048_576


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    process = ConsoleProcess(tmp_path_factory.mktemp("console"))
    process.start()
    yield process
    process.stop()


def _answer(console: ConsoleProcess, header: bytes, pieces: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """The beginning of what a POST of so many megabytes gets; b"" where the connection ended without a word."""
    where = urlsplit(console.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        head = b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header + b"\r\n\r\n"
        try:
            connection.sendall(head)
            for _ in range(pieces):
                connection.sendall(before + MEGABYTE + after)
            if after:
                connection.sendall(b"0\r\n\r\n")
            return connection.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            return b""


@pytest.mark.parametrize("told", [True, False])
def test_a_body_longer_than_the_limit_is_cut_off(console: ConsoleProcess, told: bool) -> None:
    before = console.peak_memory()
    if told:
        answer = _answer(console, b"Content-Length: %d" % (200 * len(MEGABYTE)), 200)
    else:
        answer = _answer(console, b"Transfer-Encoding: chunked", 200, b"100000\r\n", b"\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
    assert console.peak_memory() - before < 40


def test_the_refusal_says_413(console: ConsoleProcess) -> None:
    assert _answer(console, b"Content-Length: %d" % (LIMIT + 1), 0).startswith(b"HTTP/1.1 413 ")


def test_a_body_within_the_limit_reaches_the_page(console: ConsoleProcess) -> None:
    """It has no CSRF token: the page itself says no."""
    assert _answer(console, b"Content-Length: %d" % len(MEGABYTE), 1).startswith(b"HTTP/1.1 403 ")
