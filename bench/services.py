"""PostgreSQL and Redis of one's own: free ports, throw-away folders, nothing of the system's services touched.

Tests and benchmarks start them from Debian's packages (``scripts/test_packages.sh``).
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

from bench.processes import free_port

STARTS_WITHIN = 20.0


def _postgresql_folder() -> Path | None:
    """Where initdb and postgres lie: Debian keeps them out of PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def _whoever_may() -> str | None:
    """The user to run PostgreSQL as: it refuses root. None: this one."""
    return "postgres" if os.getuid() == 0 else None


def missing_services() -> list[str]:
    """Return what is not installed of PostgreSQL's and Redis's servers, in words."""
    missing = [] if _postgresql_folder() else ["postgresql"]
    if _whoever_may() is not None:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            missing = ["postgresql (and its user: initdb does not run as root)"]
    if shutil.which("redis-server") is None:
        missing.append("redis-server")
    return missing


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server; gives the URL of an empty database."""
    programs, user = _postgresql_folder(), _whoever_may()
    assert programs is not None
    # Not below pytest's folder, into which no other user may look.
    with tempfile.TemporaryDirectory(prefix="qqconsole-pg-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        if user is not None:
            shutil.chown(folder, user)
        given = ["-D", str(folder / "data"), "-U", "qqconsole", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run([programs / "initdb", *given], check=True, capture_output=True, user=user, cwd=folder)
        options = [f"-c{name}" for name in ("listen_addresses=127.0.0.1", "fsync=off", "max_connections=200")]
        with (folder / "log").open("wb") as log:
            given = ["-D", str(folder / "data"), "-p", str(port), "-k", str(folder), *options]
            server = subprocess.Popen([programs / "postgres", *given], stderr=log, stdout=log, user=user, cwd=folder)
        try:
            _until_answering(server, lambda: psycopg.connect(_url(port), connect_timeout=1).close())
            yield _url(port)
        finally:
            # SIGINT: do not wait for clients that forgot to leave.
            server.send_signal(2)
            server.wait(10)


def _url(port: int) -> str:
    return f"postgres://qqconsole@127.0.0.1:{port}/postgres"


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis server that keeps nothing on disk; gives its URL."""
    with tempfile.TemporaryDirectory(prefix="qqconsole-redis-") as folder:
        port = free_port()
        given = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        server = subprocess.Popen(["redis-server", *given], stdout=subprocess.DEVNULL)
        try:
            url = f"redis://127.0.0.1:{port}/0"
            client = redis.Redis.from_url(url)
            _until_answering(server, client.ping)
            client.close()
            yield url
        finally:
            server.terminate()
            server.wait(10)


def _until_answering(server: subprocess.Popen[bytes], ask: object) -> None:
    """Ask until the server answers. Raises RuntimeError when it ends or stays silent."""
    assert callable(ask)
    for _ in range(int(STARTS_WITHIN / 0.05)):
        try:
            ask()
            return
        except (psycopg.OperationalError, redis.ConnectionError):
            try:
                server.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
    raise RuntimeError(f"{server.args!r} did not start: {server.returncode}")
