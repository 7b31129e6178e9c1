"""Where the media lie: a folder of the data folder, or an S3-compatible bucket (STORAGES["media"])."""

from __future__ import annotations

import re
import secrets

from django.core.files.storage import Storage, storages

ALIAS = "media"


def media_storage() -> Storage:
    """The storage now in force."""
    return storages[ALIAS]


def new_place(folder: str, sha256: str, ending: str = "") -> str:
    """A place of its own for content with this hash, spread over 256 folders; never a name somebody gave it.

    Two who store the same content at once, or one who stores what another is just removing, never touch one file.
    """
    return f"{folder}/{sha256[:2]}/{sha256}-{secrets.token_hex(4)}{ending}"


def is_ours(place: str) -> bool:
    """Whether ``new_place`` may have made it: others may have a folder ``files`` in the same bucket."""
    return _OURS.fullmatch(place) is not None


_OURS = re.compile(r"(files|thumbnails)/([0-9a-f]{2})/\2[0-9a-f]{62}-[0-9a-f]{8}(\.webp)?")
