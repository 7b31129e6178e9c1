"""Requests to addresses of others, over real sockets: none reaches inside, and what comes back may lie."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapter.answers import Accepted, Answer, Refused, Unknown
from adapter.outside import Outside, Patience

ELSEWHERE = "93.184.216.34"
"""A public address."""


class Server:
    """Answers inside this machine, under whatever name the resolver gives it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self.server = TestServer(app)
        self.over = asyncio.Event()
        """The test has seen enough: who waits for an answer gets one."""

    @property
    def port(self) -> int:
        assert self.server.port is not None
        return self.server.port

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        match request.path.split("/")[1]:
            case "to":
                raise web.HTTPFound(request.query["url"])
            case "loop":
                raise web.HTTPFound("/loop")
            case "status":
                return web.Response(status=int(request.path.rpartition("/")[2]))
            case "endless" | "slow":
                return await self._pour(request)
            case "short" | "announced":
                return await self._lie(request)
            case "put":
                return web.Response(text=str(len(await request.read())))
            case "mute":
                await request.read()
                await self.over.wait()
                return web.Response()
            case _:
                disposition = "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf"
                return web.Response(body=b"x" * 5_000, headers={"Content-Disposition": disposition})

    async def _pour(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        slow = request.path == "/slow"
        while True:
            await response.write(b"x" if slow else b"x" * 65_536)
            await asyncio.sleep(0.05 if slow else 0)

    async def _lie(self, request: web.Request) -> web.StreamResponse:
        announced = 900 * 1_048_576 if request.path == "/announced" else 5_000
        response = web.StreamResponse(headers={"Content-Length": str(announced)})
        await response.prepare(request)
        await response.write(b"x" * 10)
        assert request.transport is not None
        request.transport.close()
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    async with one.server:
        yield one
        one.over.set()


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    one = Outside(Patience(connect=2.0, silence=0.3, whole=10.0, slowest=1_000.0))
    yield one
    await one.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What each name means from now on: the list is what one look-up after the other gives."""
    meanings: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host in meanings:
            several = meanings[host]
            address = several.pop(0) if len(several) > 1 else several[0]
            return [info for one in address.split() for info in real(one, port, type=socket.SOCK_STREAM)]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return meanings


@pytest.fixture
async def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whom a socket was connected to; what ``ELSEWHERE`` would answer, the server does."""
    seen: list[str] = []
    loop = asyncio.get_running_loop()
    real = loop.sock_connect

    async def connect(sock: socket.socket, address: Any) -> None:
        seen.append(address[0])
        await real(sock, ("127.0.0.1", address[1]) if address[0] == ELSEWHERE else address)

    monkeypatch.setattr(loop, "sock_connect", connect)
    return seen


async def fetch(outside: Outside, url: str, folder: Path, **more: Any) -> Answer:
    answer, fetched = await outside.fetch(url, folder / "file", **more)
    assert (fetched is not None) is isinstance(answer, Accepted)
    assert (folder / "file").exists() is isinstance(answer, Accepted)
    return answer


def said(answer: Answer) -> str:
    assert isinstance(answer, Refused | Unknown)
    return answer.exchange.message


# ---- what leads inside ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "①②⑦.0.0.1",
    ],
)
async def test_an_inside_host_is_not_asked(server: Server, outside: Outside, tmp_path: Path, host: str) -> None:
    answer = await fetch(outside, server.url("/x", host), tmp_path)
    assert isinstance(answer, Refused)
    assert answer.permanent
    put = await outside.put(server.url("/put", host), _bytes(b"x"), 1)
    assert isinstance(put, Refused)
    assert put.permanent
    assert server.asked == []


@pytest.mark.parametrize("means", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3 127.0.0.1", "0.0.0.0"])
async def test_a_name_that_leads_inside_is_not_asked(
    server: Server, outside: Outside, tmp_path: Path, names: dict[str, list[str]], means: str
) -> None:
    names["files.example.org"] = [means]
    answer = await fetch(outside, server.url("/x", "files.example.org"), tmp_path)
    assert said(answer) == "the name files.example.org leads inside a network"
    put = await outside.put(server.url("/put", "files.example.org"), _bytes(b"x"), 1)
    assert "leads inside" in said(put)
    assert server.asked == []


async def test_what_a_name_means_a_moment_later_changes_nothing(
    server: Server, outside: Outside, tmp_path: Path, names: dict[str, list[str]], connections: list[str]
) -> None:
    """The name is looked up once, and only what was found outside is connected to."""
    names["files.example.org"] = [f"{ELSEWHERE} 127.0.0.1", "127.0.0.1"]
    answer = await fetch(outside, server.url("/x", "files.example.org"), tmp_path)
    assert isinstance(answer, Accepted)
    assert names["files.example.org"] == ["127.0.0.1"]
    assert connections == [ELSEWHERE]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "inside.example.org"])
async def test_a_redirect_that_leads_inside_is_not_followed(
    server: Server,
    outside: Outside,
    tmp_path: Path,
    names: dict[str, list[str]],
    connections: list[str],
    host: str,
) -> None:
    names["files.example.org"], names["inside.example.org"] = [ELSEWHERE], ["127.0.0.1"]
    there = server.url("/secret", host)
    answer = await fetch(outside, server.url(f"/to?url={there}", "files.example.org"), tmp_path)
    assert isinstance(answer, Refused)
    assert answer.permanent
    assert "inside a network" in said(answer)
    assert (server.asked, connections) == (["/to"], [ELSEWHERE])


async def test_where_the_owner_allows_it_inside_hosts_are_asked_and_nothing_else_changes(
    server: Server, outside: Outside, tmp_path: Path
) -> None:
    answer, fetched = await outside.fetch(server.url("/x"), tmp_path / "file", allow_private=True)
    assert isinstance(answer, Accepted)
    assert fetched is not None
    assert (fetched.size, fetched.name) == (5_000, "报告.pdf")
    for url in ("file:///etc/passwd", "ftp://127.0.0.1/x", "http://a:b@127.0.0.1/x", "javascript:1", "", "http://"):
        assert isinstance(await fetch(outside, url, tmp_path / "none", allow_private=True), Refused)


# ---- what lies, loops or never ends -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("/loop", Refused, "more than 5 times"),
        ("/endless", Refused, "over 1000000 bytes"),
        ("/announced", Refused, "over 1000000 bytes"),
        ("/slow", Refused, "too slowly"),
        ("/short", Unknown, "fewer bytes came than were announced"),
        ("/status/404", Refused, "HTTP 404"),
        ("/status/503", Refused, "HTTP 503"),
        ("/status/304", Refused, "HTTP 304"),
        ("/to?url=ftp://example.org/", Refused, "only http and https"),
    ],
)
async def test_what_cannot_be_had(
    server: Server, outside: Outside, tmp_path: Path, path: str, kind: type, words: str
) -> None:
    answer = await fetch(outside, server.url(path), tmp_path, limit=1_000_000, allow_private=True)
    assert isinstance(answer, kind)
    assert words in said(answer)
    assert len(server.asked) <= 6
    if isinstance(answer, Refused):
        assert answer.permanent is (path != "/status/503")


async def test_name_servers_that_never_answer_keep_nobody_elses_thread(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def look_up(*asked: Any, **how: Any) -> list[Any]:
        answers.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    fetches = [
        asyncio.ensure_future(outside.fetch(f"http://slow{number}.example.org/", tmp_path / str(number)))
        for number in range(40)
    ]
    try:
        # What the loop's own threads are for: a file's bytes, QQ's name.
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 30) == "free"
    finally:
        answers.set()
    for answer, _ in await asyncio.gather(*fetches):
        assert "host name is not known" in said(answer)


async def test_nobody_there(outside: Outside, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
    answer = await fetch(outside, url, tmp_path, allow_private=True)
    assert isinstance(answer, Refused)
    assert not answer.permanent


async def test_a_file_that_stands_there_already_is_left_alone(server: Server, outside: Outside, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    answer, _ = await outside.fetch(server.url("/x"), tmp_path / "file", allow_private=True)
    assert isinstance(answer, Refused)
    assert (tmp_path / "file").read_bytes() == b"mine"


# ---- PUT ------------------------------------------------------------------------------------------------------------


async def test_a_put_follows_no_redirect(server: Server, outside: Outside) -> None:
    answer = await outside.put(server.url("/to?url=/put"), _bytes(b"abc"), 3, allow_private=True)
    assert isinstance(answer, Refused)
    assert answer.permanent
    assert server.asked == ["/to"]


async def test_a_put_whose_bytes_cannot_be_read_is_not_half_done(server: Server, outside: Outside) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b"abc"
        raise OSError("the disk")

    answer = await outside.put(server.url("/put?sign=1"), breaks(), 6, allow_private=True)
    assert isinstance(answer, Unknown)
    assert "sign" not in repr(answer)


async def test_a_put_that_nobody_answers_is_given_up(server: Server, outside: Outside) -> None:
    answer = await outside.put(server.url("/mute"), _bytes(b"abc"), 3, silence=0.3, allow_private=True)
    assert isinstance(answer, Unknown)
    assert answer.reason == "timeout"
    assert server.asked == ["/mute"]


async def _bytes(data: bytes) -> AsyncIterator[bytes]:
    yield data
