"""Anybody may send the console a long body: it is refused while it comes, and memory stays as it was."""

from __future__ import annotations

import json
import socket
import time
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


def _token(console: ConsoleProcess) -> str:
    return console.manage("apitoken", "create", f"uploads {time.time_ns()}").split()[-1]


def _file_answer(console: ConsoleProcess, megabytes: int, *headers: str, sent: int | None = None) -> tuple[int, bytes]:
    """Send one file of so many megabytes as a form to the API; its status (0: cut off without a word) and body."""
    where = urlsplit(console.url)
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    tail = b"\r\n--edge--\r\n"
    length = len(head) + megabytes * len(MEGABYTE) + len(tail)
    lines = ["POST /api/v1/media HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {length}"]
    lines += ["Content-Type: multipart/form-data; boundary=edge", *headers, "", ""]
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        try:
            connection.sendall("\r\n".join(lines).encode() + head)
            for _ in range(megabytes if sent is None else sent):
                connection.sendall(MEGABYTE)
            if sent is None:
                connection.sendall(tail)
        except (BrokenPipeError, ConnectionResetError):
            # It was refused while it was sent; what was said before that may still be there to read.
            pass
        try:
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        except ConnectionResetError:
            answer = b""
    status, _, body = answer.partition(b"\r\n\r\n")
    return int(status.split()[1]) if status else 0, body


def test_a_large_file_goes_through_disk_and_not_through_memory(console: ConsoleProcess) -> None:
    token = _token(console)
    assert _file_answer(console, 1, f"Authorization: Bearer {token}")[0] == 201
    before = console.peak_memory()

    status, body = _file_answer(console, 150, f"Authorization: Bearer {token}")

    assert (status, json.loads(body)["size"]) == (201, 150 * len(MEGABYTE))
    assert console.peak_memory() - before < 40
    assert list((console.home / "incoming").iterdir()) == []


def _signed_in(console: ConsoleProcess) -> str:
    """The session cookie of somebody who is."""
    somebody = "get_user_model().objects.create_user('olga', role='operator')"
    code = f"from django.contrib.auth import get_user_model; from django.test import Client; c = Client(); \
c.force_login({somebody}); print(c.cookies['qqconsole_session'].value)"
    return console.manage("shell", "-c", code).split()[-1]


def test_a_file_waits_on_disk_for_who_reads_it_slowly(console: ConsoleProcess) -> None:
    size = 150 * len(MEGABYTE)
    _, body = _file_answer(console, 150, f"Authorization: Bearer {_token(console)}")
    lines = [f"GET /media/{json.loads(body)['id']}/file HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"Cookie: qqconsole_session={_signed_in(console)}", "", ""]
    where, before = urlsplit(console.url), console.peak_memory()
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        head = connection.recv(1_000)
        # As long as it takes to read all of it from disk.
        time.sleep(3)
        whole = len(head.partition(b"\r\n\r\n")[2]) + sum(map(len, iter(lambda: connection.recv(1 << 20), b"")))

    assert head.startswith(b"HTTP/1.1 200 ")
    assert whole == size
    assert console.peak_memory() - before < 40


@pytest.mark.parametrize("who", [(), ("Authorization: Bearer nobody",), ("Cookie: qqconsole_session=nobody",)])
def test_nobody_sends_more_than_a_form(console: ConsoleProcess, who: tuple[str, ...]) -> None:
    assert _file_answer(console, 150, *who)[0] in (0, 401)
    assert _file_answer(console, 150, *who, sent=6)[0] == 401


def test_a_file_over_what_qq_takes_is_refused_by_its_length(console: ConsoleProcess) -> None:
    assert _file_answer(console, 202, f"Authorization: Bearer {_token(console)}", sent=0)[0] == 413
