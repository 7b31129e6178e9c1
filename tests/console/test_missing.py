"""What QQ does not have yet, read off the rows of every attempt: sent again is that, and nothing else."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.utils import timezone

from adapter.pieces import MediaKind, SendMedia, SourceFailed, Text
from qqconsole.deliveries.missing import Missing, missing_pieces, read_missing, unsent_text
from qqconsole.deliveries.models import Attempt, Delivery, Segment
from qqconsole.media.models import MediaFile
from tests.console.rows import make_attempt, make_delivery, make_message, make_segment, make_session

pytestmark = pytest.mark.django_db

CAT = {"kind": "image", "url": "https://pictures.example/cat.png", "name": "cat.png", "caption": "a cat"}
DOG = {"kind": "image", "url": "https://pictures.example/dog.png", "name": "dog.png", "caption": ""}


def make_reply(generated: str = "") -> Delivery:
    session = make_session()
    return make_delivery(session, make_message(session), generated_text=generated, status="failed")


def plain(attempt: Attempt, text: str, status: str = "delivered", **fields: Any) -> Segment:
    accepted = len(text) if status in ("delivered", "in_review") else 0
    values = {"kind": "plain", "dialect": "", "text": text, "status": status, "accepted_length": accepted, **fields}
    return make_segment(attempt, attempt.segments.count() + 1, **values)


def stream(attempt: Attempt, text: str, accepted: int, status: str, dialect: str = "stream_messages") -> Segment:
    values = {"text": text, "accepted_length": accepted, "status": status, "dialect": dialect}
    return make_segment(attempt, attempt.segments.count() + 1, **values)


def media(attempt: Attempt, item: dict[str, Any], status: str = "delivered") -> Segment:
    return make_segment(attempt, attempt.segments.count() + 1, kind="media", dialect="", status=status, media=item)


def said(missing: Missing) -> list[str]:
    return [piece.text if isinstance(piece, Text) else piece.item.name for piece in missing.pieces]


def make_file(name: str = "照片.png", **fields: Any) -> MediaFile:
    digest = hashlib.sha256(name.encode()).hexdigest()
    values = {"sha256": digest, "md5": "0" * 32, "sha1": "0" * 40, "md5_10m": "0" * 32, "size": 10, "kind": "image"}
    return MediaFile.objects.create(name=name, file="aa/bb", last_used_at=timezone.now(), **{**values, **fields})


def test_of_a_reply_only_what_did_not_arrive_is_sent_in_its_order() -> None:
    reply = make_reply("one two three")
    attempt = make_attempt(reply)
    plain(attempt, "one")
    media(attempt, CAT, "failed")
    plain(attempt, "two", "failed")
    missing = read_missing(reply)
    assert said(missing) == ["cat.png", "two three"]
    assert not missing.doubtful
    [cat, _] = missing.pieces
    assert isinstance(cat, SendMedia)
    assert (cat.item.kind, cat.item.url, cat.item.caption) == (MediaKind.IMAGE, CAT["url"], "a cat")


def test_texts_that_were_bubbles_of_their_own_stay_apart() -> None:
    reply = make_reply("I look it up.Here it is.")
    attempt = make_attempt(reply)
    plain(attempt, "I look it up.", "failed")
    plain(attempt, "Here it is.", "failed")
    assert said(read_missing(reply)) == ["I look it up.\n\nHere it is."]


def test_a_rest_goes_straight_on() -> None:
    reply = make_reply("half a sentence")
    attempt = make_attempt(reply)
    plain(attempt, "half a ", "failed")
    plain(attempt, "sentence", "failed", purpose="rest")
    assert said(read_missing(reply)) == ["half a sentence"]


@pytest.mark.parametrize("status", ["closed", "ended_by_qq"])
def test_of_a_stream_what_qq_accepted_is_there(status: str) -> None:
    reply = make_reply("hello there, and more")
    stream(make_attempt(reply), "hello there", 11, status)
    assert said(read_missing(reply)) == [", and more"]


@pytest.mark.parametrize("status", ["unclosed", "unknown"])
def test_an_unclosed_stream_of_the_older_dialect_may_be_rolled_back(status: str) -> None:
    reply = make_reply("hello there")
    stream(make_attempt(reply), "hello there", 11, status, dialect="messages.stream")
    missing = read_missing(reply)
    assert (said(missing), missing.doubtful) == (["hello there"], True)


def test_of_a_stream_of_the_current_one_qq_keeps_what_it_accepted() -> None:
    reply = make_reply("hello there")
    stream(make_attempt(reply), "hello there", 5, "unknown")
    missing = read_missing(reply)
    assert (said(missing), missing.doubtful) == ([" there"], True)


def test_what_a_later_attempt_brought_is_not_sent_again() -> None:
    reply = make_reply("one two")
    first = make_attempt(reply, 1)
    plain(first, "one", "failed")
    media(first, CAT, "failed")
    media(first, DOG, "failed")
    plain(first, " two", "failed")
    second = make_attempt(reply, 2)
    plain(second, "one")
    media(second, DOG)
    plain(second, " two", "failed")
    assert said(read_missing(reply)) == ["cat.png", " two"]
    third = make_attempt(reply, 3)
    media(third, CAT)
    plain(third, " two")
    assert read_missing(reply) == Missing()
    with pytest.raises(SourceFailed, match="nothing_missing"):
        missing_pieces(reply)


def test_an_attempt_cut_off_in_the_middle_leaves_the_rest() -> None:
    reply = make_reply("one two")
    plain(make_attempt(reply, 1), "one two", "failed")
    plain(make_attempt(reply, 2), "one ")
    assert said(read_missing(reply)) == ["two"]


def test_an_attempt_that_said_something_else_takes_nothing_away() -> None:
    reply = make_reply("one two")
    plain(make_attempt(reply, 1), "one two", "failed")
    plain(make_attempt(reply, 2), "another text")
    missing = read_missing(reply)
    assert (said(missing), missing.doubtful) == (["one two"], True)


def test_addresses_made_harmless_are_the_same_text() -> None:
    reply = make_reply("see https://a.example now and later")
    plain(make_attempt(reply), "see https：//a。example now", "delivered")
    assert said(read_missing(reply)) == [" and later"]


def test_a_picture_that_was_fetched_on_the_way_is_known_by_being_the_only_one() -> None:
    reply = make_reply()
    media(make_attempt(reply, 1), CAT, "failed")
    media(make_attempt(reply, 2), {**CAT, "url": None, "file_id": 7})
    assert read_missing(reply).pieces == ()


def test_notices_are_nobodys_words() -> None:
    reply = make_reply()
    plain(make_attempt(reply), "Sorry, no answer.", purpose="notice")
    assert read_missing(reply) == Missing(anew=True)
    assert missing_pieces(reply) == []


def test_media_without_an_address_or_a_file_are_gone() -> None:
    reply = make_reply("text")
    attempt = make_attempt(reply)
    media(attempt, {"kind": "image", "url": None, "name": "drawn.png"}, "failed")
    plain(attempt, "text", "failed")
    missing = read_missing(reply)
    assert (said(missing), missing.gone) == (["text"], ("drawn.png",))


def test_a_message_is_sent_as_it_was_written_until_qq_has_it() -> None:
    message = make_delivery(make_session(), kind="message", generated_text="hello", status="failed")
    assert said(read_missing(message)) == ["hello"]
    plain(make_attempt(message), "hello", "unknown")
    missing = read_missing(message)
    assert (said(missing), missing.doubtful) == (["hello"], True)
    plain(make_attempt(message, 2), "hello")
    assert read_missing(message).pieces == ()


def test_a_media_delivery_sends_its_file() -> None:
    file = make_file()
    delivery = make_delivery(make_session(), kind="media", item=file, caption="look", status="failed")
    [piece] = missing_pieces(delivery)
    assert isinstance(piece, SendMedia)
    assert (piece.item.kind, piece.item.file_id, piece.item.name) == (MediaKind.IMAGE, file.pk, "照片.png")
    assert piece.item.caption == "look"
    media(make_attempt(delivery), {"kind": "image", "name": "照片.png", "file_id": file.pk}, "in_review")
    assert read_missing(delivery).pieces == ()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a.example/cat.png?size=1", MediaKind.IMAGE),
        ("https://a.example/film.mp4", MediaKind.VIDEO),
        ("https://a.example/voice.mp3", MediaKind.VOICE),
        ("https://a.example/report.pdf", MediaKind.FILE),
        ("https://a.example/", MediaKind.FILE),
    ],
)
def test_an_address_without_a_kind_is_guessed_by_its_last_letters(url: str, kind: MediaKind) -> None:
    [piece] = missing_pieces(make_delivery(make_session(), kind="media", url=url, status="failed"))
    assert isinstance(piece, SendMedia)
    assert piece.item.kind is kind


def test_unsent_text_is_what_stands_behind_the_segments() -> None:
    assert unsent_text("one \n two three", ["one", "two"]) == " three"
    assert unsent_text("one", []) == "one"
    assert unsent_text("one", ["another"]) == ""
