"""The commands as a person runs them: a fresh process in an empty data folder, and what it says."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.utils import timezone

from qqconsole.accounts.models import ApiToken, Role, User
from qqconsole.accounts.tokens import find
from qqconsole.bots.models import Bot, BotConnection
from qqconsole.conversations.models import Session
from qqconsole.environment import BASE_DIR
from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator

PLATFORM = ["--api-base", "http://127.0.0.1:1/", "--source-url", "http://127.0.0.1:1/v1", "--source-model", "m"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after ``migrate``."""
    folder = tmp_path_factory.mktemp("home") / "data"
    done = manage(folder, "migrate", "-v0")
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def manage(home: Path, *arguments: str, stdin: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """``manage.py`` in a process of its own; without ``stdin`` its standard input is a pipe nobody writes to."""
    reading, writing = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env={"PATH": os.environ["PATH"], "QQCONSOLE_HOME": str(home), **variables},
            capture_output=True,
            text=True,
            timeout=30,
            **({"input": stdin} if stdin is not None else {"stdin": reading}),
        )
    finally:
        os.close(reading)
        os.close(writing)


def test_a_bot_is_added_listed_changed_and_removed(home: Path) -> None:
    added = manage(home, "bot", "add", "one", "--app-id", "77", *PLATFORM, stdin="hush-secret\nhush-key\n")
    changed = manage(home, "bot", "add", "one", "--dialect", "messages.stream", "--throttle-ms", "0")
    listed = manage(home, "bot", "list")
    removed = manage(home, "bot", "remove", "one")

    assert [done.returncode for done in (added, changed, listed, removed)] == [0, 0, 0, 0]
    assert "Added bot one" in added.stdout
    assert "Changed bot one" in changed.stdout
    line = listed.stdout.splitlines()[1]
    assert line.split()[:4] == ["one", "77", "messages.stream", "http://127.0.0.1:1"]
    assert line.endswith("never connected")
    everything = "".join(done.stdout + done.stderr for done in (added, changed, listed, removed))
    assert "hush" not in everything


def test_the_folder_without_tables_is_told_what_to_do(tmp_path: Path) -> None:
    done = manage(tmp_path, "bot", "list")

    assert done.returncode == 1
    assert done.stderr == "CommandError: The database has no tables yet. Run first: python manage.py migrate\n"


def test_the_console_on_any_free_port_says_which_it_is(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "console", "--port", "0", "--no-demo"],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "QQCONSOLE_HOME": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = next(line.split()[1] for line in process.stdout if "http://" in line)
        with urllib.request.urlopen(f"{address}accounts/login/", timeout=20) as answer:
            assert answer.status == 200
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_wrong_option_is_a_usage_error(home: Path) -> None:
    done = manage(home, "bot", "add", "two", "--app-id", "1", "--dialect", "smoke-signals", stdin="s\n")

    assert done.returncode == 2
    assert "invalid choice: 'smoke-signals'" in done.stderr


def test_a_person_signs_in_with_what_the_command_stored(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("correct horse battery\n")
    added = manage(home, "user", "add", "ann", "--role", "admin", QQCONSOLE_USER_PASSWORD_FILE=str(secret))
    check = "from qqconsole.accounts.models import User; u = User.objects.get(username='ann'); "
    check += "print(u.role, u.is_staff, u.check_password('correct horse battery'))"
    shown = manage(home, "shell", "-v0", "-c", check)

    assert (added.returncode, added.stdout) == (0, "Added admin ann.\n")
    assert shown.stdout.split() == ["admin", "True", "True"]


def test_a_token_is_printed_once_and_alone(home: Path) -> None:
    created = manage(home, "apitoken", "create", "ci")
    again = manage(home, "apitoken", "create", "ci")
    listed = manage(home, "apitoken", "list")

    assert created.returncode == 0
    assert created.stdout.startswith("qqc_")
    assert len(created.stdout.split()) == 1
    assert (again.returncode, again.stdout) == (1, "")
    assert "already" in again.stderr
    assert listed.stdout.startswith("ci\tadmin\tvalid")
    assert created.stdout.strip() not in listed.stdout


# From here on in this process: the same commands, quicker.


@pytest.fixture
def add(db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``bot add`` with the secret in the environment."""
    monkeypatch.setenv("QQCONSOLE_BOT_SECRET", "s3cret")
    monkeypatch.setattr(sys, "stdin", None)

    def add(name: str = "one", *options: str) -> Bot:
        call_command("bot", "add", name, *options, verbosity=0)
        return Bot.objects.get(name=name)

    return add


def test_a_new_bot_takes_the_defaults_of_its_platform(add: Any) -> None:
    elsewhere = add("elsewhere", "--app-id", "1", "--api-base", "https://qq.example/base/")
    older = add("older", "--app-id", "2", "--api-base", "https://api.sgroup.qq.com")
    said = add("said", "--app-id", "3", "--api-base", "https://a.example", "--token-url", "https://t.example/x")

    assert elsewhere.api_base == "https://qq.example/base"
    assert elsewhere.token_url == "https://qq.example/base/app/getAppAccessToken"
    assert older.token_url == "https://bots.qq.com/app/getAppAccessToken"
    assert said.token_url == "https://t.example/x"
    assert (elsewhere.dialect, elsewhere.throttle_ms, elsewhere.allow_private_urls) == ("stream_messages", None, False)


def test_repeating_changes_only_what_is_said(add: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = add("one", "--app-id", "1", "--stream-rate", "200", "--allow-private-urls", "--system-prompt", "Be kind.")
    monkeypatch.delenv("QQCONSOLE_BOT_SECRET")
    second = add("one", "--message-rate", "300", "--no-markdown")

    assert second.pk == first.pk
    assert (second.stream_rate, second.message_rate, second.markdown) == (200, 300, False)
    assert (second.allow_private_urls, second.system_prompt) == (True, "Be kind.")
    assert second.secret == "s3cret"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--app-id", ""], "needs its AppID"),
        (["--app-id", "1", "--api-base", "ftp://x"], "--api-base must be an http"),
        (["--app-id", "1", "--token-url", "https://"], "--token-url must be an http"),
        (["--app-id", "1", "--token-url", "https://u:p@host"], "must not hold a user name"),
        (["--app-id", "1", "--stream-rate", "0"], "--stream-rate must be a number above zero"),
        (["--app-id", "1", "--message-timeout", "nan"], "--message-timeout must be a number above zero"),
        (["--app-id", "1", "--throttle-ms", "99999"], "--throttle-ms"),
        (["--app-id", "1", "--open-after", "-1"], "--open-after"),
    ],
)
def test_settings_of_no_working_bot_are_refused(add: Any, options: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        add("one", *options)

    assert not Bot.objects.exists()


def test_a_new_bot_without_a_secret_is_refused(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(CommandError, match=r"bot's secret is missing.*QQCONSOLE_BOT_SECRET"):
        call_command("bot", "add", "one", "--app-id", "1")


def test_a_bot_with_history_is_not_removed_by_the_way(session: Session) -> None:
    with pytest.raises(CommandError, match="1 session"):
        call_command("bot", "remove", "demo")
    assert Bot.objects.exists()

    call_command("bot", "remove", "demo", "--with-history", verbosity=0)
    assert not Bot.objects.exists()


def test_enable_and_disable(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bot", "disable", "demo")
    bot.refresh_from_db()
    assert bot.enabled is False

    call_command("bot", "enable", "demo")
    bot.refresh_from_db()
    assert bot.enabled is True
    with pytest.raises(CommandError, match=r"no bot called 'nobody'\. There are: demo"):
        call_command("bot", "enable", "nobody")


def test_the_list_believes_a_connection_only_while_its_process_lives(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = BotConnection.objects.create(bot=bot, state="connected", seen_at=timezone.now())
    call_command("bot", "list")
    assert capsys.readouterr().out.rstrip().endswith("connected")

    connection.seen_at = timezone.now() - timedelta(seconds=16)
    connection.save()
    call_command("bot", "list")
    assert capsys.readouterr().out.rstrip().endswith("gateway not running (last known: connected)")


def test_a_role_is_changed_and_the_password_kept(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    call_command("user", "add", "olga", "--role", "admin", verbosity=0)
    operator.refresh_from_db()

    assert (operator.role, operator.is_staff) == (Role.ADMIN, True)
    assert operator.check_password("correct horse battery")


def test_a_revoked_token_opens_nothing(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("apitoken", "create", "watcher", role="operator")
    secret = capsys.readouterr().out.strip()
    token = find(secret)
    assert token is not None
    assert token.role == Role.OPERATOR

    call_command("apitoken", "revoke", "watcher", verbosity=0)

    assert find(secret) is None
    assert ApiToken.objects.get().digest != secret
    with pytest.raises(CommandError, match="no valid token"):
        call_command("apitoken", "revoke", "watcher")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("secret", "model", "key", "well", "words"),
    [
        (DEMO_SECRET, "demo", "", True, "[ok] model: The model demo is there."),
        (DEMO_SECRET, "demo", "a-key", True, "[ok] gateway: There is a gateway"),
        ("wrong", "demo", "", False, "code 100016"),
        (DEMO_SECRET, "no-such-model", "", False, "[!!] model: There is no model API at this address, or no such"),
        (DEMO_SECRET, "", "", False, "There is no model yet (--source-model)"),
    ],
)
async def test_check_asks_the_platform_and_the_model(
    secret: str, model: str, key: str, well: bool, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Simulator() as platform:
        await Bot.objects.acreate(
            name="one", app_id=DEMO_APP_ID, secret=secret, api_base=platform.url, source_key=key,
            token_url=f"{platform.url}/app/getAppAccessToken", source_url=f"{platform.url}/v1", source_model=model,
        )  # fmt: skip
        said = ""
        try:
            await asyncio.to_thread(call_command, "bot", "check", "one")
        except CommandError as error:
            said = str(error)

    printed = capsys.readouterr().out
    assert words in printed
    assert (said == "") is well
    assert any("\u4e00" <= character <= "\u9fff" for character in printed)
    assert "a-key" not in printed
    assert secret == "wrong" or secret not in printed


@pytest.mark.django_db(transaction=True)
async def test_check_names_a_platform_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    await sync_to_async(Bot.objects.create)(
        name="one", app_id="1", secret="s", api_base="http://127.0.0.1:1", token_url="http://127.0.0.1:1/token",
        source_url="http://127.0.0.1:1/v1", source_model="m",
    )  # fmt: skip
    with pytest.raises(CommandError, match="cannot work"):
        await asyncio.to_thread(call_command, "bot", "check", "one")

    printed = capsys.readouterr().out
    assert "The token address cannot be reached" in printed
    assert "The model's server cannot be reached" in printed
