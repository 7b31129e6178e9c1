"""What the process is told from outside: variables, their ``NAME_FILE`` twins, keys in the data folder.

Every variable the settings read goes through ``read``, which notes its name: a test compares the list with
``docs/settings.md``.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import environ
from cryptography.fernet import Fernet

BASE_DIR = Path(__file__).resolve().parent.parent


class _SecretFiles(environ.FileAwareMapping):  # type: ignore[misc]
    """``NAME_FILE`` holds the value of NAME; the newline an editor leaves is not part of it."""

    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.strip() if self.env.get(f"{key}_FILE") else value


class _Environment(environ.FileAwareEnv):  # type: ignore[misc]
    ENVIRON = _SecretFiles(cache=False)


env = _Environment()

read_names: dict[str, None] = {}
"""Names asked for so far, in order."""


def read(name: str, default: str = "") -> str:
    """The variable NAME, or what NAME_FILE holds, or the default. An empty value counts as unset."""
    read_names[name] = None
    return str(env.str(name, default="")).strip() or default


def read_list(name: str, default: list[str]) -> list[str]:
    """A comma- or line-separated variable."""
    items = [item.strip() for item in read(name).replace("\n", ",").split(",")]
    return [item for item in items if item] or default


def read_flag(name: str) -> bool:
    """True for 1, true, yes or on."""
    return read(name).lower() in {"1", "true", "yes", "on"}


def read_port(name: str, default: int) -> int:
    """A TCP port. Raises ``ValueError`` in plain words for anything else."""
    value = read(name, str(default))
    if not value.isdigit() or not 0 <= int(value) <= 65535:
        raise ValueError(f"{name} must be a port number between 0 and 65535, not {value!r}.")
    return int(value)


def read_days(name: str, default: int, least: int = 1) -> int:
    """A number of days, at least ``least``. Raises ``ValueError`` in plain words for anything else."""
    value = read(name, str(default))
    if not value.isdigit() or not least <= int(value) <= 36_500:
        raise ValueError(f"{name} must be a number of days, not {value!r}.")
    return int(value)


def data_folder() -> Path:
    """QQCONSOLE_HOME, made when missing, readable by its owner alone.

    So is every file this process makes from here on: the folder may have been made by somebody else, for all to read.
    """
    os.umask(0o077)
    home = Path(read("QQCONSOLE_HOME", str(BASE_DIR / "var"))).expanduser().resolve()
    if not home.is_dir():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def stored(path: Path, make: Callable[[], str]) -> str:
    """The secret in ``path``; made once, with mode 0600.

    Several processes may start at the same moment: the file appears under its name complete or not at all,
    and the first one wins.
    """
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(make() + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            except OSError:
                # A file system without hard links: a rename is the next best thing.
                os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text(encoding="utf-8").strip()


def new_secret_key() -> str:
    """A fresh value for Django's SECRET_KEY."""
    return secrets.token_urlsafe(64)


def new_encryption_key() -> str:
    """A fresh Fernet key."""
    return Fernet.generate_key().decode()


def machine_names() -> list[str]:
    """What a Host header may call this machine when nobody said: loopback, its name, its own address."""
    names = ["localhost", "127.0.0.1", "[::1]", socket.gethostname().lower()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing; it only asks the routing table for our own address.
            probe.connect(("192.0.2.1", 9))
            names.append(probe.getsockname()[0])
        except OSError:
            pass
    return names


def database(home: Path) -> dict[str, Any]:
    """Django's entry for DATABASE_URL; SQLite in the data folder without it.

    SQLite runs in WAL mode and takes its write lock at the start of a transaction: with Django's defaults
    concurrent writers fail with "database is locked" (measured; docs/architecture.md).
    """
    url = read("DATABASE_URL", f"sqlite:///{home / 'db.sqlite3'}")
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        config["TEST"] = {"NAME": str(home / "test.sqlite3")}
    else:
        config["CONN_HEALTH_CHECKS"] = True
        # For the engine's own statements (engine/prepared.py): Django's are bound on this side and never prepared.
        config.setdefault("OPTIONS", {}).setdefault("prepare_threshold", 5)
    return config


def media_storage(home: Path) -> dict[str, Any]:
    """Django's storage for media: the folder ``media`` in the data folder, or the bucket of an ``s3://`` address.

    ``s3://KEY:SECRET@HOST[:PORT]/BUCKET[/PREFIX][?region=NAME][&tls=0]``; without KEY:SECRET boto3 looks for them where
    it always does. Raises ``ValueError`` in plain words, which never hold the secret.
    """
    address = read("QQCONSOLE_MEDIA_STORAGE")
    if not address:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {
                "location": home / "media",
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
        given = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        host, port, parts, given = None, None, urlsplit(""), {}
    bucket, _, prefix = parts.path.strip("/").partition("/")
    if parts.scheme != "s3" or not host or not bucket or not set(given) <= {"region", "tls"}:
        raise ValueError("QQCONSOLE_MEDIA_STORAGE must look like s3://KEY:SECRET@HOST/BUCKET?region=NAME")
    # Most consoles have no bucket, and these take half a second to load.
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    scheme = "http" if given.get("tls") == "0" else "https"
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "access_key": unquote(parts.username or "") or None,
            "secret_key": unquote(parts.password or "") or None,
            "endpoint_url": f"{scheme}://{host}" + (f":{port}" if port else ""),
            "region_name": given.get("region"),
            "bucket_name": bucket,
            "location": prefix,
            "client_config": Config(
                s3={"addressing_style": "path"},
                signature_version="s3v4",
                connect_timeout=10,
                read_timeout=30,
                retries={"max_attempts": 3},
            ),
            # Several threads would each hold some megabytes of a file that is being stored.
            "transfer_config": TransferConfig(use_threads=False),
            # What is read through the storage itself waits on disk above this.
            "max_memory_size": 1_048_576,
        },
    }
