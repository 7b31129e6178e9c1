"""The bytes of a media item: summed once, read piece by piece, and noticed when they change."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from adapter.content import HEAD, BytesContent, Content, ContentGone, FileContent


@pytest.mark.parametrize("size", [1, HEAD - 1, HEAD, HEAD + 1, HEAD + 2_000_000])
async def test_the_sums_are_those_of_the_file_and_of_its_head(tmp_path: Path, size: int) -> None:
    data = os.urandom(1024) * (size // 1024 + 1)
    data = data[:size]
    path = tmp_path / "a"
    path.write_bytes(data)
    content = await FileContent.of(path)
    assert content.size == size
    assert content.sums == BytesContent(data).sums
    assert content.sums.md5 == hashlib.md5(data).hexdigest()
    assert content.sums.sha1 == hashlib.sha1(data).hexdigest()
    assert content.sums.md5_10m == hashlib.md5(data[:10_002_432]).hexdigest()


async def test_a_piece_is_read_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    of_file: Content = await FileContent.of(tmp_path / "a")
    for content in (of_file, BytesContent(b"0123456789")):
        assert await content.read(3, 4) == b"3456"
        with pytest.raises(ContentGone):
            await content.read(8, 4)


@pytest.mark.parametrize("change", ["removed", "shortened", "rewritten", "replaced"])
async def test_a_file_that_is_not_the_same_any_more_is_gone(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    content = await FileContent.of(path)
    if change == "removed":
        path.unlink()
    elif change == "shortened":
        os.truncate(path, 5)
    elif change == "rewritten":
        path.write_bytes(b"9876543210")
        os.utime(path, (1, 1))
    else:
        path.rename(tmp_path / "b")
        path.write_bytes(b"0123456789")
    with pytest.raises(ContentGone) as caught:
        await content.read(0, 10)
    assert str(tmp_path) not in str(caught.value)


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContentGone):
        await FileContent.of(tmp_path / "nothing")
