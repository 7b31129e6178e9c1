"""The API's ways to send: a file into the library, a delivery for a session, one more attempt."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from qqconsole.accounts.models import ApiToken, AuditLine, Role
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Attempt, Delivery
from qqconsole.media.models import MediaFile
from tests.console.rows import make_attempt, make_delivery, make_file, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    media = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "media")}}
    settings.STORAGES = {**settings.STORAGES, "media": media}


@pytest.fixture
def api(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"})


@pytest.fixture
def operators_api(db: None) -> Client:
    secret = ApiToken.issue("oscar", Role.OPERATOR)[1]
    return Client(headers={"Authorization": f"Bearer {secret}", "Accept-Language": "en"})


def post(client: Client, address: str, body: Any = None, status: int = 201) -> dict[str, Any]:
    answer = client.post(f"/api/v1{address}", json.dumps(body or {}), content_type="application/json")
    assert answer.status_code == status, answer.content
    document: dict[str, Any] = answer.json()
    return document


def upload(client: Client, name: str, content: bytes, status: int = 201, **more: str) -> dict[str, Any]:
    answer = client.post("/api/v1/media", {"file": SimpleUploadedFile(name, content), **more})
    assert answer.status_code == status, answer.content
    document: dict[str, Any] = answer.json()
    return document


def png(size: int = 40) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), (10, 98, 196)).save(file, "PNG")
    return file.getvalue()


def test_a_picture_is_taken_in_once_and_said_what_it_goes_as(operators_api: Client) -> None:
    first = upload(operators_api, "猫.txt", png())
    again = upload(operators_api, "other.png", png())

    assert (first["kind"], first["sent_as"], first["note"]) == ("image", "image", "")
    assert (first["width"], first["size"]) == (40, len(png()))
    assert again["id"] == first["id"] == MediaFile.objects.get().pk
    assert operators_api.get(f"/api/v1/media/{first['id']}").json()["sha256"] == first["sha256"]


@pytest.mark.parametrize(
    "sent",
    ["季度报告.pdf", "%E5%AD%A3%E5%BA%A6%E6%8A%A5%E5%91%8A.pdf", "..%2F%E5%AD%A3%E5%BA%A6%E6%8A%A5%E5%91%8A.pdf"],
)
def test_a_chinese_name_is_read_from_every_client(operators_api: Client, sent: str) -> None:
    assert upload(operators_api, sent, b"%PDF-1.7 report")["name"] == "季度报告.pdf"


def test_what_changes_on_the_way_is_said_beforehand(api: Client) -> None:
    svg = upload(api, "drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')

    assert svg["sent_as"] == "file"
    assert svg["note"] == "picture_type"
    assert "goes as a file" in svg["note_words"]


def test_an_empty_file_is_refused_in_plain_words_and_leaves_nothing(api: Client, settings: Any) -> None:
    error = upload(api, "nothing.txt", b"", status=422)["error"]

    assert (error["reason"], error["message"]) == ("empty", "The file is empty.")
    assert not MediaFile.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [({f"f{number}": "x" for number in range(1_001)}, 400), ({"media_kind": "x" * 2_700_000}, 413)],
)
def test_a_form_that_is_none_of_ours_is_the_callers_fault(api: Client, fields: dict[str, str], status: int) -> None:
    upload(api, "a.txt", b"abc", status=status, **fields)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_broken_form_is_told_so(api: Client, kind: str) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\nabc\r\n--x--' % (b"n" * 5_000)

    answer = api.generic("POST", "/api/v1/media", head, content_type=kind)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_a_key_that_no_database_takes_is_still_a_key(api: Client, session: Session) -> None:
    asked = {"session": session.pk, "kind": "message", "text": "once", "idempotency_key": "a\0b"}

    assert post(api, "/deliveries", asked)["id"] == post(api, "/deliveries", asked)["id"]
    assert Delivery.objects.get().idempotency_key == "a\ufffdb"


def test_a_refusal_is_in_the_callers_language(api: Client, session: Session) -> None:
    api.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"

    error = post(api, "/deliveries", {"session": session.pk, "kind": "message", "text": ""}, status=422)["error"]

    assert error["message"] == "没有可发送的内容，请先输入文字。"


def test_a_file_goes_to_a_session_under_its_own_name(api: Client, session: Session) -> None:
    file = make_file(name="first name.png")

    made = post(
        api,
        "/deliveries",
        {"session": session.pk, "kind": "media", "file": file.pk, "name": "../../报告.png", "caption": "看"},
    )

    assert (made["kind"], made["status"], made["attempts"]) == ("media", "queued", [])
    assert (made["file_name"], made["caption"], made["item"]["id"]) == ("报告.png", "看", file.pk)
    assert made["requested_name"] == "tests"
    assert AuditLine.objects.get().subject == f"delivery {made['id']}"


def test_a_text_goes_to_a_session(operators_api: Client, session: Session) -> None:
    made = post(operators_api, "/deliveries", {"session": session.pk, "kind": "message", "text": "你好"})

    assert (made["kind"], made["text"], made["requested_name"]) == ("message", "你好", "oscar")


def test_asked_twice_under_one_key_it_is_one_delivery(api: Client, session: Session) -> None:
    asked = {"session": session.pk, "kind": "message", "text": "once", "idempotency_key": "a-1"}

    assert post(api, "/deliveries", asked)["id"] == post(api, "/deliveries", asked)["id"]
    assert Delivery.objects.count() == 1
    other = post(api, "/deliveries", {**asked, "text": "something else"}, status=422)
    assert other["error"]["reason"] == "key_used_elsewhere"
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"kind": "message", "text": " \n"}, "empty"),
        ({"kind": "message", "text": "x" * 20_001}, "too_long"),
        ({"kind": "media"}, "no_item"),
        ({"kind": "media", "url": "http://127.0.0.1:8000/admin"}, "bad_address"),
        ({"kind": "media", "url": "http://[::ffff:10.0.0.1]/x.png"}, "bad_address"),
        ({"kind": "media", "url": "http://2130706433/x.png"}, "bad_address"),
        ({"kind": "media", "url": "file:///etc/passwd"}, "bad_address"),
        ({"kind": "media", "url": "https://example.com/a.png", "media_kind": "sticker"}, "bad_kind"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_there_is_a_row(
    api: Client, session: Session, asked: dict[str, Any], reason: str
) -> None:
    error = post(api, "/deliveries", {"session": session.pk, **asked}, status=422)["error"]

    assert error["reason"] == reason
    assert error["message"] != reason
    assert not Delivery.objects.exists()


def test_a_guild_takes_no_file(api: Client) -> None:
    guild = make_session(scene="guild")

    error = post(api, "/deliveries", {"session": guild.pk, "kind": "media", "file": make_file().pk}, status=422)

    assert error["error"]["reason"] == "no_uploads"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"session": 424242, "kind": "message", "text": "x"}, 404),
        ({"session": 2**63, "kind": "message", "text": "x"}, 422),
        ({"kind": "message", "text": "x"}, 422),
        ({"kind": "reply", "text": "x"}, 422),
        ({"kind": "message", "text": "x", "colour": "red"}, 422),
        ({"kind": "media", "file": 424242}, 404),
    ],
)
def test_a_bad_question_is_told_so(api: Client, session: Session, asked: dict[str, Any], status: int) -> None:
    asked = {"session": session.pk, **asked} if asked.get("colour") or asked.get("file") else asked

    assert post(api, "/deliveries", asked, status=status)["error"]["message"]


def test_a_signed_in_page_needs_its_csrf_token_to_send(operator: Any, session: Session) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(operator)
    browser.cookies["qqconsole_csrf"] = "t" * 32
    asked = json.dumps({"session": session.pk, "kind": "message", "text": "x"})

    def send(**headers: str) -> int:
        return browser.post("/api/v1/deliveries", asked, content_type="application/json", headers=headers).status_code

    assert send() == 403
    assert browser.post("/api/v1/media", {"file": SimpleUploadedFile("a.txt", b"x")}).status_code == 403
    assert not MediaFile.objects.exists()
    assert send(**{"X-CSRFToken": "t" * 32}) == 201


def failed(session: Session, **fields: Any) -> Delivery:
    values = {"kind": "media", "item": make_file(), "status": "failed", "reason": "refused", "code": 850012}
    delivery = make_delivery(session, **{**values, **fields})
    make_attempt(delivery, status="failed")
    return delivery


def test_an_admin_sends_a_failed_one_again_with_or_without_words(api: Client, session: Session) -> None:
    with_words, without = failed(session), failed(session)

    told = post(api, f"/deliveries/{with_words.pk}/resend", {"why": "it works again"}, status=202)
    bare = api.post(f"/api/v1/deliveries/{without.pk}/resend", b"", content_type="application/octet-stream")

    assert (told["status"], told["attempt"]["number"], told["attempt"]["why"]) == ("queued", 2, "it works again")
    assert bare.status_code == 202
    assert Attempt.objects.filter(status="queued", requested_name="tests").count() == 2


def test_under_one_key_it_is_one_attempt(api: Client, session: Session) -> None:
    delivery = failed(session)
    asked = {"idempotency_key": "again-1"}

    first = post(api, f"/deliveries/{delivery.pk}/resend", asked, status=202)
    second = post(api, f"/deliveries/{delivery.pk}/resend", asked, status=202)

    assert first["attempt"] == second["attempt"]
    assert delivery.attempts.count() == 2


def test_an_operator_may_look_ahead_but_not_send_again(operators_api: Client, session: Session) -> None:
    delivery = failed(session)

    told = operators_api.get(f"/api/v1/deliveries/{delivery.pk}/outlook").json()
    error = post(operators_api, f"/deliveries/{delivery.pk}/resend", status=403)["error"]

    assert (told["passive"], told["upload"], told["second_copy"], told["refused"]) == (False, "again", False, "")
    assert told["missing"] == ["picture.png"]
    assert told["passive_words"] not in ("", told["passive_why"])
    assert error["reason"] == "not_allowed"
    assert delivery.attempts.count() == 1


def test_one_that_qq_may_have_is_sent_again_only_with_open_eyes(api: Client, session: Session) -> None:
    delivery = failed(session, status="unknown", reason="no_proof", code=None)

    error = post(api, f"/deliveries/{delivery.pk}/resend", status=409)["error"]
    told = post(api, f"/deliveries/{delivery.pk}/resend", {"accept_second_copy": True}, status=202)

    assert error["reason"] == "second_copy"
    assert told["status"] == "queued"


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [("delivered", 409, "already_delivered"), ("sending", 409, "running"), ("in_review", 409, "in_review")],
)
def test_what_needs_no_second_try_is_not_sent_again(
    api: Client, session: Session, status: str, answer: int, reason: str
) -> None:
    delivery = failed(session, status=status)

    assert post(api, f"/deliveries/{delivery.pk}/resend", status=answer)["error"]["reason"] == reason
    assert post(api, "/deliveries/424242/resend", status=404)["error"]["code"] == "not_found"


def test_dismissed_and_taken_back(api: Client, operators_api: Client, session: Session) -> None:
    delivery = failed(session)

    assert post(operators_api, f"/deliveries/{delivery.pk}/dismiss", status=403)["error"]["reason"] == "not_allowed"
    assert post(api, f"/deliveries/{delivery.pk}/dismiss", status=200)["dismissed_at"]
    assert [item["id"] for item in api.get("/api/v1/deliveries?dismissed=false").json()["items"]] == []
    assert post(api, f"/deliveries/{delivery.pk}/undismiss", status=200)["dismissed_at"] is None


def test_deliveries_are_found_by_what_went_wrong(api: Client, session: Session) -> None:
    prepare = failed(session, failed_step="prepare", code=40093002)
    part = failed(session, failed_step="part", item=make_file(kind="video"))
    unknown = failed(session, status="unknown")

    def found(query: str) -> list[int]:
        answer = api.get(f"/api/v1/deliveries?{query}")
        assert answer.status_code == 200, answer.content
        return [item["id"] for item in answer.json()["items"]]

    assert found("step=part") == [part.pk]
    assert found("code=40093002") == [prepare.pk]
    assert found("type=video") == [part.pk]
    assert found("status=failed&status=unknown") == [unknown.pk, part.pk, prepare.pk]
    assert found(f"bot={session.bot_id}&status=failed") == [part.pk, prepare.pk]
    assert found("since=2999-01-01") == []
    assert api.get("/api/v1/deliveries?step=sideways").status_code == 422
    assert api.get("/api/v1/deliveries?since=2026-11-22&until=2026-11-21").status_code == 422


def test_a_filter_spelt_wrong_never_selects_everything(api: Client, session: Session) -> None:
    failed(session)

    assert post(api, "/resends/preview", {"filters": {"sesion": session.pk}}, status=422)["error"]["code"] == "invalid"


def test_many_at_once_are_counted_first_and_only_for_admins(
    api: Client, operators_api: Client, session: Session
) -> None:
    for _ in range(3):
        failed(session)
    failed(session, status="unknown")
    asked = {"filters": {"session": session.pk}}

    assert post(operators_api, "/resends/preview", asked, status=403)["error"]["reason"] == "not_allowed"
    preview = post(api, "/resends/preview", asked, status=200)
    assert preview["count"] == 3
    narrowed = {"filters": {"session": session.pk, "status": "failed"}}
    assert post(api, "/resends/preview", narrowed, status=200)["count"] == 3
    begun = post(
        api, "/resends", {**asked, "expected_total": 3, "newest_id": preview["newest_id"], "why": "it works again"},
        status=202,
    )  # fmt: skip
    assert (begun["status"], begun["progress"]["total"]) == ("running", 3)
    assert operators_api.get(f"/api/v1/resends/{begun['id']}").json()["why"] == "it works again"
    assert post(operators_api, f"/resends/{begun['id']}/cancel", status=403)["error"]["reason"] == "not_allowed"
    assert post(api, f"/resends/{begun['id']}/cancel", status=202)["status"] == "cancelled"
