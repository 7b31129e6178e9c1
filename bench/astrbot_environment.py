"""The peer's environment: a pinned AstrBot in a throw-away virtual environment outside the project.

AstrBot asks for Python 3.12. Its whole set of dependencies is a gigabyte of other platforms and databases; its sender
for QQ imports those of ``astrbot.txt``, all of them pinned. Nothing of it is part of this project: it is installed by
pip from the package index, called, and removed by ``make clean``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("astrbot.txt")
VERSION = "4.29.3"
"""The newest release when this was written. It contains PR #6131 and what was mended in the sender after it."""
WITHIN = 900


class NoPeer(Exception):
    """The peer cannot be had on this machine; the words say why."""


def folder() -> Path:
    """Where the environment lies, kept from one run to the next."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "qqconsole-bench" / f"astrbot-{VERSION}"


def peer_python() -> str:
    """Return the Python that AstrBot can be imported with; installs it where it is not there. Raises NoPeer."""
    here = folder()
    python, stamp = here / "bin" / "python", here / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and python.exists():
        return str(python)
    shutil.rmtree(here, ignore_errors=True)
    here.parent.mkdir(parents=True, exist_ok=True)
    _make(here)
    _run(str(python), "-m", "pip", "install", "-q", "--no-deps", "-r", str(REQUIREMENTS))
    stamp.write_text(wanted)
    return str(python)


def peer_environment(data: Path) -> dict[str, str]:
    """Return the variables its process needs: its data in a folder of ours, and no word to its makers."""
    return {"ASTRBOT_ROOT": str(data), "HOME": str(data), "ASTRBOT_DISABLE_METRICS": "1", "PYTHONWARNINGS": "ignore"}


def _make(here: Path) -> None:
    for python in _candidates():
        try:
            _run(python, "-m", "venv", str(here))
        except NoPeer:
            continue
        return
    uv = shutil.which("uv")
    if uv is None:
        raise NoPeer("AstrBot needs Python 3.12, which is not on this machine")
    _run(uv, "venv", "-q", "--seed", "--python", "3.12", str(here))


def _candidates() -> list[str]:
    """Every Python 3.12 that may be here: on the path, or among pyenv's."""
    found = [shutil.which("python3.12")]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found += map(str, sorted(root.glob("versions/3.12*/bin/python"), reverse=True))
    return [each for each in found if each]


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPeer(f"{' '.join(command[:4])}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NoPeer(f"{' '.join(command[:4])}: {''.join(last)}")
