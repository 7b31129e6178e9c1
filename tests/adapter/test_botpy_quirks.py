"""botpy's faults, each pinned: where one of these tests fails, botpy changed and the door can lose a mending.

The first half shows the fault in botpy as shipped, in a fresh interpreter or on its own classes; the second half
shows that it does not come through the door.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import logging
import os
import subprocess
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import botpy.gateway
import botpy.http
import botpy.robot
import pytest
from aiohttp import web
from odd_platform import Platform, reply

from adapter.botpy_door import BotHttp, Client, Intents
from adapter.client import QQClient

ROOT = Path(__file__).parents[2]

SURVEY = """
import asyncio, json, logging, os, sys
shells = []
real = os.system
os.system = lambda command: shells.append(command) or 0
sys.argv = ["program", "-d"]
before = sorted(os.listdir("."))
{import_line}
try:
    asyncio.get_running_loop()
    loop = True
except RuntimeError:
    loop = False
policy_loop = asyncio.get_event_loop_policy()._local._loop is not None
print(json.dumps({{
    "handlers": len(logging.getLogger().handlers), "level": logging.getLogger("botpy").level,
    "shells": len(shells), "argv": sys.argv, "files": sorted(os.listdir(".")) == before,
    "loop": loop or policy_loop, "basic": logging.basicConfig.__module__,
    "system": os.system is not real and os.system("x") == 0,
}}))
"""


def survey(import_line: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SURVEY.format(import_line=import_line)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_version_is_the_one_these_quirks_belong_to() -> None:
    assert version("qq-botpy") == "1.2.1"


def test_importing_botpy_touches_the_process(tmp_path: Path) -> None:
    found = survey("import botpy", tmp_path)
    assert found["handlers"] == 1
    assert found["level"] == logging.DEBUG
    assert found["shells"] == 1


def test_importing_the_door_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    found = survey("import adapter.botpy_door", tmp_path)
    assert found["handlers"] == 0
    assert found["level"] == logging.INFO
    assert found["shells"] == 0
    assert found["argv"] == ["program", "-d"]
    assert found["files"]
    assert not found["loop"]
    assert found["basic"] == "logging"
    assert found["system"]


def test_botpy_sends_everyone_to_one_token_address() -> None:
    source = inspect.getsource(botpy.robot.Token.update_access_token)
    assert '"https://bots.qq.com/app/getAppAccessToken"' in source


def test_botpy_has_one_host_for_the_process_and_does_not_encode() -> None:
    route = botpy.http.Route("POST", "/v2/users/{openid}/messages", openid="a/b?c")
    assert route.url == "https://api.sgroup.qq.com/v2/users/a/b?c/messages"


def test_botpy_renews_only_after_the_end() -> None:
    source = inspect.getsource(botpy.robot.Token.check_token)
    assert "int(time.time()) >= self.expires_in" in source


async def test_botpy_fetches_a_token_for_every_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = 0

    async def fetch(token: botpy.robot.Token) -> None:
        nonlocal fetched
        fetched += 1
        await asyncio.sleep(0)
        token.access_token, token.expires_in = "t", 9_999_999_999

    monkeypatch.setattr(botpy.robot.Token, "update_access_token", fetch)
    token = botpy.robot.Token("a", "s")
    await asyncio.gather(*(token.check_token() for _ in range(50)))
    assert fetched == 50


async def test_botpy_wants_the_lifetime_as_text(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    import aiohttp

    platform.token_answers = [{"access_token": "t", "expires_in": 7200}]
    real = aiohttp.ClientSession.post

    def redirected(session: aiohttp.ClientSession, url: str, **kwargs: Any) -> Any:
        return real(session, f"{platform.url}/token", **kwargs)

    monkeypatch.setattr(aiohttp.ClientSession, "post", redirected)
    with pytest.raises(TypeError):
        await botpy.robot.Token("app-1", "hush-hush").update_access_token()


class AsShipped:
    """botpy's own HTTP against the odd platform: only host and token are set."""

    def __init__(self, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(botpy.http.Route, "DOMAIN", platform.url.removeprefix("http://"))
        monkeypatch.setattr(botpy.http.Route, "SCHEME", "http")
        self.http = botpy.http.BotHttp(timeout=0.1, app_id="a", secret="s")
        self.http._token.access_token, self.http._token.expires_in = "t", 9_999_999_999

    async def ask(self) -> Any:
        try:
            return await self.http.request(botpy.http.Route("GET", "/x"))
        finally:
            await self.http.close()


async def test_botpy_does_not_verify_tls(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = AsShipped(platform, monkeypatch)
    await shipped.http.check_session()
    connector = shipped.http._session.connector
    import ssl

    assert connector._ssl.verify_mode is ssl.CERT_NONE
    assert connector._force_close
    await shipped.http.close()


async def test_botpy_returns_none_for_a_time_out(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    platform.answers = [never]
    assert await AsShipped(platform, monkeypatch).ask() is None


async def test_botpy_takes_json_with_a_charset_for_text(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.answers = [web.Response(text='{"id":"m"}', content_type="application/json", charset="utf-8")]
    assert await AsShipped(platform, monkeypatch).ask() == '{"id":"m"}'


async def test_botpy_raises_keyerror_for_an_error_without_message(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.answers = [reply({"code": 1}, 400)]
    with pytest.raises(KeyError):
        await AsShipped(platform, monkeypatch).ask()


async def test_botpy_loses_code_and_trace_id(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.answers = [reply({"code": 40054005, "message": "去重", "trace_id": "t-9"}, 400)]
    with pytest.raises(botpy.http.ServerError) as caught:
        await AsShipped(platform, monkeypatch).ask()
    assert vars(caught.value) == {"msgs": "去重"}


async def test_botpy_refuses_an_audit_with_201(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.answers = [reply({"code": 304023, "message": "审核"}, 201)]
    with pytest.raises(botpy.http.ServerError):
        await AsShipped(platform, monkeypatch).ask()


async def test_botpy_logs_the_authorization_header(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = AsShipped(platform, monkeypatch)
    shipped.http._token.access_token = "TOPSECRET"
    with caplog.at_level(logging.DEBUG, logger="botpy"):
        await shipped.ask()
    assert "TOPSECRET" in caplog.text


def test_botpys_gateway_clears_no_session_where_it_must() -> None:
    source = inspect.getsource(botpy.gateway.BotWebSocket)
    assert "_INVALID_RECONNECT_CODE = [9001, 9005]" in source
    assert 'event_seq = msg["s"]' in source
    assert "_send_heart(interval=30)" in source


# Through the door.


async def test_the_door_makes_no_loop_and_leaves_none_to_the_garbage_collector(platform: Platform) -> None:
    client = QQClient(platform.credentials)
    await client.me()
    await client.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del client
        gc.collect()


async def test_botpys_client_runs_on_our_http_and_writes_no_file(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    qq = QQClient(platform.credentials)
    client = Client(Intents(public_messages=True), qq.http)
    platform.answers = [{"id": "7", "username": "bot"}]
    assert await client.http.login() == {"id": "7", "username": "bot"}
    assert (await client.api.me())["id"] == "7"
    assert client.intents == 1 << 25
    await client.close()
    assert os.listdir(tmp_path) == []


async def test_the_doors_session_verifies_and_keeps_alive(platform: Platform) -> None:
    http: BotHttp = QQClient(platform.credentials).http
    connector: Any = http.session.connector
    assert connector._ssl is True
    assert not connector._force_close
    await http.close()


async def test_botpys_token_face_works(platform: Platform) -> None:
    http = QQClient(platform.credentials).http
    token = http._token
    await asyncio.gather(*(token.check_token() for _ in range(50)))
    assert token.get_string() == "QQBot token-1"
    assert platform.tokens_given == 1
    await token.update_access_token()
    assert token.get_string() == "QQBot token-2"
    await http.close()
