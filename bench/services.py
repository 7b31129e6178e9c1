"""PostgreSQL and Redis of one's own: free ports, throw-away folders, nothing of the system's services touched.

Tests and benchmarks start them from Debian's packages (``scripts/test_packages.sh``).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
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


class Server:
    """A server at its address: it can be ended and started again there, with what it keeps on disk."""

    def __init__(self, url: str, command: list[str], ask: Callable[[], object], user: str | None, folder: Path) -> None:
        self.url = url
        self._command, self._ask, self._user, self._folder = command, ask, user, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once it answers. Raises RuntimeError when it ends or stays silent."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stderr=log, stdout=log, user=self._user, cwd=self._folder, start_new_session=True
            )
        _until_answering(self._process, self._ask)

    def end(self, number: int = signal.SIGINT) -> None:
        """Send it that signal and wait for its end. SIGINT: PostgreSQL does not wait for clients that forgot to leave;
        SIGQUIT: it leaves at once and recovers at the next start."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server; gives the URL of an empty database."""
    with postgresql_server() as server:
        yield server.url


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """Run a PostgreSQL server with an empty database."""
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
        command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder), *options]
        url = _url(port)
        server = Server(url, command, lambda: psycopg.connect(url, connect_timeout=1).close(), user, folder)
        try:
            server.start()
            yield server
        finally:
            server.end()


def _url(port: int) -> str:
    return f"postgres://qqconsole@127.0.0.1:{port}/postgres"


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis server that keeps nothing on disk; gives its URL."""
    with forgetful_redis() as server:
        yield server.url


@contextmanager
def forgetful_redis() -> Iterator[Server]:
    """Run a Redis server that keeps nothing on disk."""
    with tempfile.TemporaryDirectory(prefix="qqconsole-redis-") as name:
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", name]
        url = f"redis://127.0.0.1:{port}/0"

        def ask() -> None:
            with redis.Redis.from_url(url) as client:
                client.ping()

        server = Server(url, command, ask, None, Path(name))
        try:
            server.start()
            yield server
        finally:
            server.end(signal.SIGTERM)


def _until_answering(server: subprocess.Popen[bytes], ask: Callable[[], object]) -> None:
    """Ask until the server answers. Raises RuntimeError when it ends or stays silent."""
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
