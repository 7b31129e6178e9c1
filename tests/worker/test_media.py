"""Pictures, videos, voice and files: from the library through a real worker to the user's screen."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Callable

import pytest
from django.utils import timezone
from PIL import Image

from qqconsole.accounts.callers import Caller
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Chunk, Delivery, Segment, Status
from qqconsole.deliveries.sending import send_media, send_text
from qqconsole.media.intake import take_in
from qqconsole.media.models import FileInfo, MediaFile
from tests.worker.conftest import House, Platform

USER, GROUP = "A" * 32, "G" * 32
MEGABYTE = 1_048_576
OPERATOR = Caller("anna", is_admin=False)


def _video(size: int) -> bytes:
    head = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
    filler = os.urandom(4096) * (size // 4096 + 1)
    body = filler[: size - len(head) - 8]
    return head + (len(body) + 8).to_bytes(4, "big") + b"mdat" + body


def _picture(megabytes: int) -> bytes:
    side = int((megabytes * MEGABYTE / 3) ** 0.5)
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(file, "PNG")
    return file.getvalue()


def _recording(seconds: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(24_000)
        sound.writeframes(b"\x00\x10" * 24_000 * seconds)
    return file.getvalue()


def _kept(content: bytes, name: str) -> MediaFile:
    return take_in(io.BytesIO(content), name=name)


@pytest.fixture
def sessions(platform: Platform, make_bot: Callable[..., Bot]) -> tuple[Session, Session]:
    bot = make_bot(upload_timeout=30.0, proactive_target_minute=1_000, proactive_per_minute=10_000)
    bot.proactive_per_second = 1_000
    bot.save()
    platform.do(lambda simulator: simulator.switches.patch({"part_size": 5 * MEGABYTE}))
    made = [
        Session.objects.create(bot=bot, scene=scene, target_id=target, last_at=timezone.now())
        for scene, target in (("c2c", USER), ("group", GROUP))
    ]
    return made[0], made[1]


def test_every_kind_arrives_once_with_its_name_and_type(
    house: House, platform: Platform, sessions: tuple[Session, Session]
) -> None:
    house.start(gateways=False)
    files = [
        _kept(_video(25 * MEGABYTE), "海边.mp4"),
        _kept(_video(60 * MEGABYTE), "婚礼.mp4"),
        _kept(_picture(3), "晚霞.png"),
        _kept(_recording(), "留言.wav"),
        _kept(b"%PDF-1.7\n" + os.urandom(40_000) + b"\n%%EOF\n", "报价单 2026.pdf"),
    ]
    for session in sessions:
        for file in files:
            send_media(session, OPERATOR, file=file, name=file.name)
    deliveries = house.ended(2 * len(files), timeout=60)
    assert [(one.status, one.reason, one.detail) for one in deliveries] == [(Status.DELIVERED, "", "")] * 10
    for session in sessions:
        shown = platform.bot_bubbles(session.target_id, session.scene)
        assert [bubble["media"]["type"] for bubble in shown] == ["video", "file", "image", "voice", "file"]
        names = [bubble["media"]["name"] for bubble in shown if bubble["media"]["type"] == "file"]
        assert names == ["婚礼.mp4", "报价单 2026.pdf"]
        sent = [bubble["media"]["sha256"] for bubble in shown if bubble["media"]["type"] != "voice"]
        assert sent == [file.sha256 for file in files if file.kind != "voice"]
    # Whoever asked for the delivery asked for its first attempt.
    assert {one.attempts.get().requested_name for one in deliveries} == {"anna"}
    # Proactive media carries no msg_id, and each delivery has QQ's id to show.
    assert all("msg_id" not in one["body"] for one in platform.requests("/messages"))
    assert all(segment.stream_id for segment in Segment.objects.all())
    large = Chunk.objects.filter(segment__attempt__delivery=deliveries[1])
    assert [kind for kind in large.order_by("number").values_list("kind", flat=True)] == [
        "prepare",
        *["part", "finish"] * 12,
        "upload",
        "media",
    ]
    assert platform.violations() == []


def test_the_same_content_again_needs_no_upload_in_its_scene(
    house: House, platform: Platform, sessions: tuple[Session, Session]
) -> None:
    house.start(gateways=False)
    file, (user, group) = _kept(_picture(1), "a.png"), sessions
    send_media(user, OPERATOR, file=file)
    house.ended(1)
    send_media(user, OPERATOR, file=file)
    send_media(group, OPERATOR, file=file)
    house.ended(3)
    assert len(platform.requests(f"/v2/users/{USER}/files")) == 1
    assert len(platform.requests(f"/v2/groups/{GROUP}/files")) == 1
    assert FileInfo.objects.count() == 2
    assert len(platform.bot_bubbles(USER)) == 2


def test_what_was_asked_for_first_arrives_first(
    house: House, platform: Platform, sessions: tuple[Session, Session]
) -> None:
    house.start(gateways=False)
    user, _ = sessions
    send_media(user, OPERATOR, file=_kept(_video(12 * MEGABYTE), "a.mp4"), caption="请查收")
    send_text(user, OPERATOR, "文件已经发给你了")
    send_media(user, OPERATOR, file=_kept(b"hello", "说明.txt"))
    house.ended(3)
    bubbles = platform.bot_bubbles(USER)
    assert [bubble["text"] for bubble in bubbles] == ["请查收", "文件已经发给你了", ""]
    assert Delivery.objects.get(kind="message").generated_text == "文件已经发给你了"
