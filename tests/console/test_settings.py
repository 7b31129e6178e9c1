"""The environment as a person meets it: what is read, what is made, what the documentation says of it."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from qqconsole import environment

ROOT = environment.BASE_DIR
SHOW = """
import json, pathlib
from qqconsole import settings as s
values = {n: getattr(s, n) for n in dir(s) if n.isupper()}
print(json.dumps(values, default=lambda v: str(v) if isinstance(v, pathlib.Path) else None))
"""


def settings_with(home: Path, **variables: str) -> dict[str, Any]:
    """The settings a fresh process has under these variables alone."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "QQCONSOLE_HOME": str(home), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_database_is_its_owners_alone_in_a_folder_that_all_may_read(tmp_path: Path) -> None:
    home = tmp_path / "data"
    home.mkdir(mode=0o755)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "QQCONSOLE_HOME": str(home)},
        check=True,
    )
    assert mode(home / "db.sqlite3") == 0o600
    assert {mode(path) for path in home.iterdir()} == {0o600}


def test_an_empty_folder_gets_its_keys_once(tmp_path: Path) -> None:
    home = tmp_path / "data"

    first = settings_with(home)
    second = settings_with(home)

    assert mode(home) == 0o700
    assert {path.name for path in home.iterdir()} == {"secret_key", "encryption_keys"}
    assert {mode(path) for path in home.iterdir()} == {0o600}
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["ENCRYPTION_KEYS"] == second["ENCRYPTION_KEYS"]
    assert len(first["SECRET_KEY"]) >= 64
    Fernet(first["ENCRYPTION_KEYS"][0])


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: environment.stored(tmp_path / "key", environment.new_secret_key), range(64)))

    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_defaults_need_no_service(tmp_path: Path) -> None:
    loaded = settings_with(tmp_path)

    database = loaded["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == str(tmp_path / "db.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert loaded["CELERY_BROKER_URL"].startswith("memory://")
    assert loaded["CHANNEL_LAYERS"]["default"]["BACKEND"] == "qqconsole.live.layer.ThreadSafeLayer"
    assert loaded["DEBUG"] is False
    assert loaded["SESSION_COOKIE_HTTPONLY"] is True
    assert {"localhost", "127.0.0.1", "[::1]"} <= set(loaded["ALLOWED_HOSTS"])


def test_services_come_by_address_and_secrets_by_file(tmp_path: Path) -> None:
    secret, keys = tmp_path / "secret", tmp_path / "keys"
    newest, older = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    secret.write_text("from-a-file\n")
    keys.write_text(f"{newest}\n{older}\n")

    loaded = settings_with(
        tmp_path / "home",
        DATABASE_URL="postgres://qq:pw@db.example/console",
        REDIS_URL="redis://cache.example/0",
        QQCONSOLE_SECRET_KEY_FILE=str(secret),
        QQCONSOLE_ENCRYPTION_KEYS_FILE=str(keys),
        QQCONSOLE_PORT="9001",
        QQCONSOLE_BEHIND_HTTPS="1",
        QQCONSOLE_ALLOWED_HOSTS="console.example, other.example",
    )

    assert loaded["DATABASES"]["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert loaded["DATABASES"]["default"]["HOST"] == "db.example"
    assert loaded["CELERY_BROKER_URL"] == "redis://cache.example/0"
    assert loaded["CELERY_BROKER_TRANSPORT_OPTIONS"]["visibility_timeout"] == 3600
    assert loaded["CHANNEL_LAYERS"]["default"]["BACKEND"].startswith("channels_redis.pubsub")
    assert loaded["SECRET_KEY"] == "from-a-file"
    assert loaded["ENCRYPTION_KEYS"] == [newest, older]
    assert loaded["PORT"] == 9001
    assert loaded["SESSION_COOKIE_SECURE"] is True
    assert loaded["ALLOWED_HOSTS"] == ["console.example", "other.example"]
    assert list((tmp_path / "home").iterdir()) == []


def test_a_port_that_is_none_is_told_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        settings_with(tmp_path, QQCONSOLE_PORT="eighty")

    assert "QQCONSOLE_PORT must be a port number" in failed.value.stderr


def test_sqlite_is_opened_for_concurrent_writers(tmp_path: Path) -> None:
    ask = (
        "import django; django.setup()\n"
        "from django.db import connection as c\n"
        "cursor = c.cursor()\n"
        "print([cursor.execute('PRAGMA ' + p).fetchone()[0] "
        "for p in ('journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "QQCONSOLE_HOME": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "qqconsole.settings",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "['wal', 1, 1, 20000]"


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text("utf-8"), re.MULTILINE)
    literal = re.compile(r"[\"'](QQCONSOLE_[A-Z_]+|DATABASE_URL|REDIS_URL)[\"']")
    read = {name for path in (ROOT / "qqconsole").rglob("*.py") for name in literal.findall(path.read_text("utf-8"))}

    assert len(documented) == len(set(documented))
    assert set(documented) == read


def test_the_readme_shows_the_same_table() -> None:
    def rows(name: str) -> list[str]:
        return [line for line in (ROOT / name).read_text("utf-8").splitlines() if line.startswith("| `")]

    assert rows("README.md") == rows("docs/settings.md")


def test_the_documented_defaults_are_the_real_ones(tmp_path: Path) -> None:
    table = dict(
        re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]*)`? *[^|]*\|", (ROOT / "docs/settings.md").read_text("utf-8"), re.M)
    )
    loaded = settings_with(tmp_path)

    assert table["QQCONSOLE_PORT"] == str(loaded["PORT"])
    assert table["QQCONSOLE_TIME_ZONE"] == loaded["TIME_ZONE"]
    assert table["QQCONSOLE_LOG_LEVEL"] == loaded["LOG_LEVEL"]
