"""Direct uploads: the body QQ takes, the data it gets, and the addresses it is never given."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.errors import AddressRefused, MediaRefused
from adapter.media import DIRECT_LIMIT, check_address, content_kind, read_data_url, upload_request
from adapter.pieces import MediaItem, MediaKind
from adapter.request import Endpoint
from adapter.targets import Scene, Target

USER, GROUP = Target(Scene.C2C, "U"), Target(Scene.GROUP, "G")
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


def test_an_address_is_handed_to_qq() -> None:
    request = upload_request(GROUP, MediaItem(MediaKind.VIDEO, url="https://cdn.example.com/a.mp4?x=1"))
    assert (request.method, request.path, request.endpoint) == ("POST", "/v2/groups/G/files", Endpoint.FILES)
    assert request.body == {
        "file_type": 2,
        "srv_send_msg": False,
        "url": "https://cdn.example.com/a.mp4?x=1",
        "file_name": "a.mp4",
    }


def test_data_goes_inline() -> None:
    request = upload_request(USER, MediaItem(MediaKind.IMAGE, data=PNG, name="a.png"))
    assert request.path == "/v2/users/U/files"
    data = base64.b64encode(PNG).decode()
    assert request.body == {"file_type": 1, "srv_send_msg": False, "file_data": data, "file_name": "a.png"}


def test_a_file_has_a_name() -> None:
    named = upload_request(USER, MediaItem(MediaKind.FILE, data=b"text", name="报告.txt"))
    assert (named.body["file_type"], named.body["file_name"]) == (4, "报告.txt")
    assert upload_request(USER, MediaItem(MediaKind.FILE, url="https://example.com/x")).body["file_name"] == "file"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/f/%E6%8A%A5%E5%91%8A.pdf?sign=a/b.exe", "报告.pdf"),
        ("HTTPS://example.com/a%2Fb%00.zip", "b.zip"),
        ("https://example.com/", "file"),
        ("https://example.com", "file"),
        ("https://example.com/..", "file"),
    ],
)
def test_a_file_at_an_address_is_called_what_its_address_says(url: str, name: str) -> None:
    assert upload_request(USER, MediaItem(MediaKind.FILE, url=url)).body["file_name"] == name


def test_a_data_url_counts_as_data() -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert upload_request(USER, MediaItem(MediaKind.IMAGE, url=url)).body["file_data"]
    assert "url" not in upload_request(USER, MediaItem(MediaKind.IMAGE, url=url.replace("data", "DATA"))).body


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (MediaItem(MediaKind.IMAGE), "nothing"),
        (MediaItem(MediaKind.IMAGE, url=""), "nothing"),
        (MediaItem(MediaKind.IMAGE, data=b""), "empty"),
        (MediaItem(MediaKind.FILE, data=b"x" * (DIRECT_LIMIT + 1)), "too_large"),
        (MediaItem(MediaKind.IMAGE, data=b"<html>not a picture"), "kind"),
        (MediaItem(MediaKind.VOICE, data=PNG), "kind"),
        (MediaItem(MediaKind.IMAGE, url="data:image/png;base64,####"), "data_url"),
        (MediaItem(MediaKind.IMAGE, url="data:nonsense"), "data_url"),
    ],
)
def test_what_qq_would_not_take(item: MediaItem, reason: str) -> None:
    with pytest.raises(MediaRefused) as caught:
        upload_request(USER, item)
    assert caught.value.reason == reason


def test_the_limit_itself_is_taken() -> None:
    assert upload_request(USER, MediaItem(MediaKind.FILE, data=b"x" * DIRECT_LIMIT))


@pytest.mark.parametrize("scene", [Scene.GUILD, Scene.DM])
def test_guilds_have_no_uploads(scene: Scene) -> None:
    with pytest.raises(ValueError, match="no uploads"):
        upload_request(Target(scene, "C"), MediaItem(MediaKind.IMAGE, data=PNG))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG, MediaKind.IMAGE),
        (b"\xff\xd8\xff\xe0", MediaKind.IMAGE),
        (b"GIF89a", MediaKind.IMAGE),
        (b"BM1234", MediaKind.IMAGE),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", MediaKind.IMAGE),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", MediaKind.VOICE),
        (b"\x00\x00\x00\x18ftypmp42", MediaKind.VIDEO),
        (b"\x00\x00\x00\x18ftypM4A ", MediaKind.VOICE),
        (b"\x02#!SILK_V3", MediaKind.VOICE),
        (b"#!SILK_V3", MediaKind.VOICE),
        (b"\x00\x00\x00\x1cftypheic", None),
        (b"ID3\x04", MediaKind.VOICE),
        (b"\xff\xfb\x90", MediaKind.VOICE),
        (b"OggS", MediaKind.VOICE),
        (b"RIFF\x00\x00\x00\x00AVI ", None),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell(head: bytes, kind: MediaKind | None) -> None:
    assert content_kind(head) is kind


def test_data_urls() -> None:
    assert read_data_url("data:,hello%20you") == b"hello you"
    assert read_data_url("data:text/plain;charset=utf-8;base64,aGk") == b"hi"
    assert read_data_url("data:;base64,aGk%3D") == b"hi"
    assert read_data_url("data:image/png;base64,aG\n k=") == b"hi"
    with pytest.raises(MediaRefused) as caught:
        read_data_url("data:;base64," + "A" * 200, limit=100)
    assert caught.value.reason == "too_large"


@given(st.binary(max_size=200))
def test_data_urls_round_trip(data: bytes) -> None:
    assert read_data_url("data:x/y;base64," + base64.b64encode(data).decode()) == data


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "http://example.com:8080/a b".replace(" ", "%20"),
        "https://8.8.8.8/x",
        "https://[2606:4700::1111]/x",
        "https://图片.example.cn/a.png",
        "https://0x.example.com/x",
        "HTTPS://EXAMPLE.COM",
    ],
)
def test_public_addresses(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/x", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("//example.com/x", "scheme"),
        ("", "scheme"),
        ("https:///x", "host"),
        ("https://user:pass@example.com/", "credentials"),
        ("https://user@example.com/", "credentials"),
        ("https://example.com:99999/", "port"),
        ("https://example.com:0/", "port"),
        ("https://example.com:x/", "port"),
        ("https://example.com\\@10.0.0.1/", "form"),
        ("https://exa mple.com/", "form"),
        ("https://example.com/\n", "form"),
        ("https://[::1/", "form"),
    ],
)
def test_addresses_that_are_none(url: str, reason: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(AddressRefused) as caught:
            check_address(url, allow_private)
        assert caught.value.reason == reason


INSIDE = [
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "printer.local",
    "metadata.google.internal",
    "redis",
    "127.0.0.1",
    "127.1",
    "0",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "224.0.0.1",
    "255.255.255.255",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "１２７.０.０.１",
    "127。0。0。1",
    "[::1]",
    "[::]",
    "[::ffff:10.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[ff02::1]",
    "[fec0::1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "168.63.129.16",
    "[::ffff:168.63.129.16]",
]


@pytest.mark.parametrize("host", INSIDE)
def test_inside_hosts(host: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        check_address(f"http://{host}/x")
    assert caught.value.reason in ("private", "form")
    if caught.value.reason == "private":
        check_address(f"http://{host}:8080/x", allow_private=True)


@given(st.text(max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    for url in (text, f"https://{text}", f"http://{text}/x"):
        with contextlib.suppress(AddressRefused):
            check_address(url)
