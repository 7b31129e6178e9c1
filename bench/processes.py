"""The processes a benchmark consists of: started, asked what they cost, ended."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def running(
    *arguments: str, environment: dict[str, str] | None = None, log: Path | None = None, python: str = sys.executable
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``python`` (this one) with ``arguments`` in the project's folder; end it with SIGTERM, then by force.

    ``log`` takes what the process says on its standard error.
    """
    errors = open(log, "wb") if log else None  # noqa: SIM115, ASYNC230 - the process writes there, not this loop
    process = await asyncio.create_subprocess_exec(
        python,
        *arguments,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        limit=64 * 1024 * 1024,
    )
    try:
        yield process
    finally:
        if errors is not None:
            errors.close()
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(20):
                    await process.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def line_with(process: asyncio.subprocess.Process, words: str, *, within: float = 60.0) -> str:
    """Return the first line of the process's output that holds ``words``. Raises TimeoutError or RuntimeError."""
    assert process.stdout is not None
    async with asyncio.timeout(within):
        while line := (await process.stdout.readline()).decode():
            if words in line:
                return line
    raise RuntimeError(f"the process ended without saying {words!r}")


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Meter:
    """What one process uses from now on, and what everything that is no part of the measurement does."""

    def __init__(self, pid: int, *beside: int) -> None:
        self._pid, self._pids = pid, (pid, *beside)
        self._began = time.monotonic()
        self._used, self._ours, self._all = self._read()

    def _read(self) -> tuple[float, float, float]:
        return cpu_seconds(self._pid), sum(map(cpu_seconds, self._pids)), _seconds_of_all()

    def stop(self) -> tuple[float, float]:
        """Return the process's seconds of processor time, and the share of the machine that others took (0 to 1)."""
        used, ours, everything = self._read()
        others = (everything - self._all) - (ours - self._ours)
        return used - self._used, max(others, 0.0) / (time.monotonic() - self._began) / (os.cpu_count() or 1)


def cpu_seconds(pid: int) -> float:
    """Return the seconds of processor time the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _seconds_of_all() -> float:
    busy = [int(number) for number in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(busy) - busy[3] - busy[4]) / TICKS


def peak_megabytes(pid: int) -> float:
    """Return the most memory the process ever held, or held since `forget_peak` (VmHWM)."""
    return _memory(pid, "VmHWM:")


def megabytes(pid: int) -> float:
    """Return the memory the process holds now (VmRSS)."""
    return _memory(pid, "VmRSS:")


def forget_peak(pid: int) -> None:
    """Let the process's peak begin anew from what it holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _memory(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0
