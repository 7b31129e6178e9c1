"""The pages as an operator gets them from the server: what they show, in which language, at what cost."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from qqconsole.accounts.models import Role, User
from qqconsole.deliveries.models import Chunk, Segment, Status
from tests.console.rows import (
    connect,
    make_attempt,
    make_bot,
    make_delivery,
    make_message,
    make_segment,
    make_session,
    make_stream,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client):
    client.force_login(User.objects.create_user("ops", role=Role.OPERATOR))

    def get(path: str, language: str = "en", status: int = 200) -> str:
        response = client.get(path, headers={"accept-language": language})
        assert response.status_code == status
        return response.content.decode()

    return get


def state_in(html: str, name: str = "state") -> dict:
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_empty_pages_explain_themselves(page):
    assert "No conversation yet" in page("/")
    assert "How to add a bot" in page("/")
    assert ".venv/bin/python manage.py bot add" in page("/bots/")
    bot = make_bot()
    assert "See whether your bots are connected" in page("/")
    session = make_session(bot)
    assert "Nothing was said here yet" in page(f"/sessions/{session.pk}/")


def test_pages_speak_the_readers_language(page):
    assert "还没有会话" in page("/", "zh-CN,zh;q=0.9")
    assert '<html lang="zh-hans"' in page("/", "zh-CN")
    assert '<html lang="en"' in page("/", "en-GB")


def test_the_theme_is_in_the_page_from_the_first_byte(client):
    for cookie, theme in (("dark", "dark"), ("light", "light"), ("", "auto"), ('"><script>', "auto")):
        client.cookies["qqconsole_theme"] = cookie
        assert f'data-theme="{theme}"' in client.get("/accounts/login/").content.decode()


def test_no_page_needs_anything_inline(page):
    bot = make_bot()
    session = make_session(bot)
    make_stream(session, ["a"], closed=True)
    for path in ("/", "/bots/", f"/sessions/{session.pk}/"):
        html = page(path)
        assert not re.search(r"<script(?![^>]*\b(src|application/json))", html)
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", html)


def test_text_is_text(page):
    session = make_session(name="<img src=x onerror=alert(1)>")
    make_stream(session, ["</script><script>alert(1)</script>"], question="<b>bold</b>", closed=True)
    for path in ("/", f"/sessions/{session.pk}/"):
        html = page(path)
        assert "<script>alert(1)" not in html
        assert "<b>bold" not in html
        assert "<img src=x" not in html
    texts = [chunk["text"] for chunk in state_in(page(f"/sessions/{session.pk}/"))["deliveries"][0]["chunks"]]
    assert texts == ["</script><script>alert(1)</script>"]


def test_a_conversation_is_there_before_any_script_runs(page):
    session = make_session(name="Alice")
    delivery = make_stream(session, ["你好，", "世界"], question="hello?")
    html = page(f"/sessions/{session.pk}/")
    assert "hello?" in html
    assert "你好，世界" in html
    assert f'data-delivery="{delivery.pk}"' in html
    assert "sending" in html


def test_a_failure_says_why_in_plain_words(page):
    session = make_session()
    make_delivery(session, make_message(session), status=Status.FAILED, reason="model_silent")
    assert "The model said nothing for too long." in page(f"/sessions/{session.pk}/")
    assert "模型长时间没有任何输出" in page(f"/sessions/{session.pk}/", "zh-CN")


def test_a_closed_bubble_does_not_show_what_went_out_in_the_next_one(page):
    session = make_session()
    delivery = make_delivery(session, make_message(session), status=Status.DELIVERED)
    make_segment(make_attempt(delivery), text="shown and hidden", accepted_length=5, status="closed")
    assert ">shown</span>" in page(f"/sessions/{session.pk}/")
    assert "and hidden" not in page(f"/sessions/{session.pk}/")


def test_a_message_not_meant_for_the_bot_is_marked(page):
    session = make_session()
    make_message(session, "among ourselves", addressed=False)
    assert 'data-slot="ignored">not addressed to the bot' in page(f"/sessions/{session.pk}/")


def test_older_stretches_are_linked_and_end(page):
    session = make_session()
    for number in range(20):
        make_stream(session, [f"answer {number:02}"], question=f"question {number:02}", closed=True)
    path, seen = f"/sessions/{session.pk}/", []
    for _ in range(5):
        html = page(path)
        seen = re.findall(r"question (\d\d)</p>", html) + seen
        link = re.search(r'href="(\?before=\d+)"', html)
        if not link:
            break
        path = f"/sessions/{session.pk}/{link[1]}"
    assert seen == [f"{number:02}" for number in range(20)]
    assert "Back to now" in html


def test_older_sessions_are_linked_and_end(page):
    bot = make_bot()
    now = timezone.now()
    for number in range(120):
        make_session(bot, name=f"session {number:03}", last_at=now - timedelta(minutes=number // 2))
    path, seen = "/", []
    for _ in range(5):
        html = page(path)
        seen += re.findall(r'dir="auto">session (\d{3})<', html)
        link = re.search(r'href="(\?cursor=[\d-]+)"', html)
        if not link:
            break
        path = "/" + link[1]
    assert len(seen) == len(set(seen)) == 120
    assert {seen[0], seen[1]} == {"000", "001"}


def names_in(html: str) -> list[str]:
    return re.findall(r'data-slot="name" dir="auto">([^<]+)</strong>', html)


def test_the_list_is_narrowed_by_bot_and_by_name_or_id(page):
    one, other = make_bot("one"), make_bot("other")
    make_session(one, name="Anna", target_id="A1")
    make_session(one, name="Bert & Söhne", target_id="B2")
    make_session(other, name="Anna", target_id="C3")
    make_session(other, name="", target_id="FFFF00ABCDEF")
    assert len(names_in(page("/?bot=&q="))) == 4
    assert names_in(page(f"/?bot={one.pk}")) == ["Bert &amp; Söhne", "Anna"]
    assert names_in(page(f"/?bot={other.pk}&q=ANN")) == ["Anna"]
    assert names_in(page("/?q=b2")) == ["Bert &amp; Söhne"]
    assert names_in(page("/?q=%20abcdef%20")) == ["User ABCDEF"]
    assert names_in(page("/?q=%25")) == names_in(page("/?q=_")) == []
    html = page(f"/?bot={other.pk}&q=%3Cb%3E%00")
    assert "No such conversation" in html
    assert "<b>\ufffd" not in html
    assert f'<option value="{other.pk}" selected>' in html
    assert "没有这样的会话" in page("/?q=nobody", "zh-CN")
    page("/?bot=x", status=404)
    page(f"/?bot={'9' * 30}", status=404)


def test_older_pages_of_a_narrowed_list_stay_narrowed(page):
    bot, now = make_bot(), timezone.now()
    for number in range(130):
        kind = "x&y" if number % 2 else "z"
        make_session(bot, name=f"{kind} {number:03}", last_at=now - timedelta(minutes=number))
    first = page("/?q=x%26y")
    link = re.search(r'href="(\?q=x%26y&amp;cursor=[\d-]+)"', first)
    assert link
    second = page("/" + link[1].replace("&amp;", "&"))
    assert names_in(first) + names_in(second) == [f"x&amp;y {number:03}" for number in range(1, 130, 2)]
    assert 'href="/?q=x%26y">Back to the newest' in second


@pytest.mark.parametrize(
    "path",
    ["/sessions/999999/", "/sessions/{}/?before=x", "/sessions/{}/?before=" + "9" * 40, "/?cursor=x", "/?cursor=1"],
)
def test_addresses_nobody_linked_to_are_not_found(page, path):
    page(path.format(make_session().pk), status=404)


def test_the_raw_wire_of_a_chunk_is_whole_and_without_secrets(page):
    session = make_session()
    make_stream(session, ["你好，", "世界"])
    chunk = Chunk.objects.order_by("pk").last()
    assert chunk is not None
    chunk.request = {
        "method": "POST",
        "path": "/v2/users/U/stream_messages",
        "body": {"content_raw": {"$segment_text": 5, "tail": "\n"}, "access_token": "hush-hush-token"},
    }
    chunk.answer = '{"id":"7","clientSecret":"hush-hush-secret"}'
    chunk.save()
    wire = json.loads(page(f"/chunks/{chunk.pk}/wire/"))
    assert json.loads(wire["request"])["body"]["content_raw"] == "你好，世界\n"
    assert json.loads(wire["answer"])["id"] == "7"
    assert "hush-hush" not in json.dumps(wire)
    Chunk.objects.filter(pk=chunk.pk).update(answer="<html>502</html>")
    assert json.loads(page(f"/chunks/{chunk.pk}/wire/"))["answer"] == "<html>502</html>"
    page("/chunks/999999/wire/", status=404)


def test_bots_show_their_true_state_and_no_secret(page):
    make_bot("never", secret="hush-hush-secret", source_key="hush-hush-key")
    connect(make_bot("good"), reason="ready")
    connect(make_bot("barred"), "refused", reason="ip_not_listed", code=11298, detail="HTTP 401")
    connect(make_bot("gone"), seen_at=timezone.now() - timedelta(seconds=60))
    make_bot("off", enabled=False)
    html = page("/bots/")
    for words in (
        "not connected yet",
        "Receiving messages.",
        "refused by QQ",
        "not on the bot&#x27;s IP list",
        "11298",
        "gateway not running",
        "Last known at",
        "switched off",
    ):
        assert words in html
    assert "hush-hush" not in html


def test_lists_cost_the_same_however_long_they_are(client, django_assert_max_num_queries):
    client.force_login(User.objects.create_user("ops"))
    for number in range(12):
        bot = make_bot()
        connect(bot)
        session = make_session(bot, name=f"s{number}")
        make_stream(session, ["one", "two"], closed=True)
        make_stream(session, ["three"], closed=True)
    for path in ("/", "/bots/", f"/sessions/{session.pk}/"):
        with django_assert_max_num_queries(11):
            assert client.get(path).status_code == 200
    assert Segment.objects.count() == 24


def test_looking_writes_nothing_but_the_sign_in(page, django_assert_num_queries):
    session = make_session()
    make_stream(session, ["a"])
    before = list(Chunk.objects.values()), list(Segment.objects.values())
    for path in ("/", "/bots/", f"/sessions/{session.pk}/", f"/chunks/{Chunk.objects.get().pk}/wire/"):
        page(path)
    assert (list(Chunk.objects.values()), list(Segment.objects.values())) == before
