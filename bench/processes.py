"""The processes a benchmark consists of: started, asked what they cost, ended."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def running(
    *arguments: str, log: Path | None = None, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run this Python with ``arguments`` in the project's folder; end it with SIGTERM, then by force.

    ``log`` takes what the process says on its standard error.
    """
    errors = open(log, "wb") if log else None  # noqa: SIM115, ASYNC230 - the process writes there, not this loop
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, **environment},
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


def cpu_seconds(pid: int) -> float:
    """Return the seconds of processor time all threads of the process have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_megabytes(pid: int) -> float:
    """Return the most memory the process ever held (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
