"""The real console as a process of its own, with a data folder of its own, and its rows read from outside."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from simulator import DEMO_APP_ID, DEMO_SECRET

ROOT = Path(__file__).resolve().parents[2]


class ConsoleProcess:
    """``manage.py console --no-demo``. Started again, it finds what the one before left in the folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lines: list[str] = []
        """What every run so far has said on both its outputs."""
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def manage(self, *arguments: str, **variables: str) -> str:
        """Run another command in this data folder; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment(**variables),
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_bot(self, name: str, platform_url: str, *options: str, app_id: str = DEMO_APP_ID) -> None:
        """``bot add`` with the simulator at this address as platform and model; ``options`` come on top."""
        where = ["--app-id", app_id, "--api-base", platform_url, "--token-url", f"{platform_url}/app/getAppAccessToken"]
        model = ["--source", "openai", "--source-url", f"{platform_url}/v1"]
        rates = ["--stream-rate", "5000", "--message-rate", "5000", "--allow-private-urls"]
        secrets = {"QQCONSOLE_BOT_SECRET": DEMO_SECRET, "QQCONSOLE_SOURCE_KEY": "any"}
        self.manage("bot", "add", name, *where, *model, *rates, *options, **secrets)

    def start(self) -> None:
        """Return when it says that it is ready."""
        self._ready.clear()
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "console", "--no-demo", "--port", str(_free_port())],
            cwd=ROOT,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        assert self._ready.wait(30), "\n".join(self.lines[-40:])

    def kill(self) -> None:
        """As the machine's power switch would: nothing of it runs any more when this returns."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; return the exit code and the seconds it took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(30)
        return code, time.monotonic() - began

    def stop(self) -> None:
        """End it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Ask its database directly."""
        connection = sqlite3.connect(f"file:{self.home / 'db.sqlite3'}?mode=ro", uri=True, timeout=20)
        try:
            connection.row_factory = sqlite3.Row
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def peak_memory(self) -> float:
        """Megabytes of resident memory at its highest so far."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]

    def _environment(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QQCONSOLE_")}
        kept |= {"QQCONSOLE_HOME": str(self.home), "QQCONSOLE_LOG_LEVEL": "INFO", "PYTHONUNBUFFERED": "1"}
        return kept | variables

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.lines.append(line.rstrip("\n"))
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    self.url = found[0]
                if "ready in" in line:
                    self._ready.set()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
