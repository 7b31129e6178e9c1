"""The read API: documents, pages, filters, errors; and cancel, the one thing that acts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from qqconsole.accounts.models import ApiToken
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def get(api: Client, address: str, status: int = 200) -> Any:
    response = api.get(address if address.startswith("http") else f"/api/v1{address}")
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.status_code == status, response.content
    return response.json()


def test_a_delivery_with_everything_in_it(api: Client, delivery: Delivery) -> None:
    document = get(api, f"/deliveries/{delivery.pk}")

    (attempt,) = document["attempts"]
    (segment,) = attempt["segments"]
    first, second = segment["chunks"]
    assert document["status"] == "delivered"
    assert document["generated_text"] == "你好，世界"
    assert (attempt["number"], segment["kind"], segment["text"]) == (1, "stream", "你好，世界")
    assert (first["number"], first["state"], first["text"], first["status"]) == (1, 1, "你好", "accepted")
    assert (first["http_status"], first["code"], first["trace_id"]) == (200, None, "trace-1")
    assert first["sent_at"] <= first["answered_at"]
    assert first["meaning"] == ""
    assert (second["kind"], second["why"], second["index"], second["start"]) == ("closing", "retry", 1, 2)
    assert (second["msg_seq"], second["elapsed_ms"], second["message"]) == (1, 8.0, "newline")


def test_a_code_is_explained_in_the_language_asked_for(api: Client, delivery: Delivery) -> None:
    def meaning(language: str) -> str:
        response = api.get(f"/api/v1/deliveries/{delivery.pk}", headers={"Accept-Language": language})
        chunks = response.json()["attempts"][0]["segments"][0]["chunks"]
        return str(chunks[1]["meaning"])

    assert meaning("en").isascii()
    assert not meaning("zh-CN").isascii()


def test_a_long_delivery_takes_no_more_questions_than_a_short_one(
    api: Client, delivery: Delivery, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(7):
        get(api, f"/deliveries/{delivery.pk}")


def test_pages_hold_every_delivery_once_newest_first(api: Client, session: Session) -> None:
    made = [Delivery.objects.create(session=session, kind="message").pk for _ in range(5)]

    seen, address = [], "/deliveries?limit=2"
    while address:
        page = get(api, address)
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        # What arrives between two pages moves nothing.
        Delivery.objects.create(session=session, kind="message")
        address = page["next"]

    assert seen == made[::-1]


def test_sessions_that_moved_in_the_same_microsecond_are_not_lost_between_pages(api: Client, session: Session) -> None:
    now = timezone.now()
    Session.objects.all().delete()
    made = [
        Session.objects.create(bot=session.bot, scene="c2c", target_id=str(n), last_at=now - timedelta(days=n // 3)).pk
        for n in range(6)
    ]

    seen, address = [], "/sessions?limit=2"
    while address:
        page = get(api, address)
        seen += [item["id"] for item in page["items"]]
        address = page["next"]

    assert seen == [made[n] for n in (2, 1, 0, 5, 4, 3)]


def test_filters(api: Client, delivery: Delivery, session: Session) -> None:
    failed = Delivery.objects.create(session=session, kind="media", status="failed")

    def found(query: str) -> list[int]:
        return [item["id"] for item in get(api, f"/deliveries?{query}")["items"]]

    assert found(f"session={session.pk}") == [failed.pk, delivery.pk]
    assert found("session=999999") == []
    assert found("status=failed") == [failed.pk]
    assert found("kind=reply") == [delivery.pk]
    assert found("status=failed&kind=reply") == []


def test_a_filter_survives_the_turn_of_the_page(api: Client, session: Session) -> None:
    for status in ("failed", "queued", "failed"):
        Delivery.objects.create(session=session, kind="message", status=status)

    page = get(api, "/deliveries?status=failed&limit=1")

    assert [item["status"] for item in get(api, page["next"])["items"]] == ["failed"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("status=asleep", 422),
        ("kind=carrier-pigeon", 422),
        ("session=me", 422),
        ("limit=0", 422),
        ("limit=201", 422),
        ("cursor=here", 400),
        ("cursor=99999999999999999999999999", 400),
        ("cursor=-1", 400),
        ("session=9223372036854775808", 422),
    ],
)
def test_a_bad_question_is_told_so(api: Client, query: str, status: int) -> None:
    error = get(api, f"/deliveries?{query}", status)["error"]

    assert error["code"] in {"invalid", "bad_request"}
    assert error["message"]


@pytest.mark.parametrize("cursor", ["1", "x-1", "99999999999999999999-1", "1-", "-"])
def test_a_bad_cursor_of_sessions(api: Client, cursor: str) -> None:
    assert get(api, f"/sessions?cursor={cursor}", 400)["error"]["code"] == "bad_request"


def test_a_bot_no_database_can_count_to(api: Client) -> None:
    assert get(api, f"/sessions?bot={10**30}", 422)["error"]["code"] == "invalid"


def test_what_is_not_there(api: Client) -> None:
    assert get(api, "/deliveries/424242", 404)["error"]["code"] == "not_found"
    assert get(api, "/nothing/here", 404)["error"]["code"] == "not_found"
    assert api.post("/api/v1/sessions").json()["error"]["code"] == "method_not_allowed"


def test_bots_come_without_their_secrets(api: Client, delivery: Delivery) -> None:
    (found,) = get(api, "/bots")["items"]

    assert (found["name"], found["app_id"], found["connection"]["state"]) == ("demo", "102", "never")
    assert "the-bot-secret" not in str(found)
    assert "the-model-key" not in str(found)


def test_the_schema_names_every_answer(api: Client) -> None:
    schema = get(api, "/openapi.json")

    assert set(schema["paths"]) >= {"/api/v1/sessions", "/api/v1/deliveries", "/api/v1/deliveries/{delivery_id}"}
    for path in schema["paths"].values():
        for operation in path.values():
            assert {"401", "403", "404"} <= set(operation["responses"])
            assert operation["security"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic b2xnYTpwdw==", "Bearer qqc_" + "x" * 43])
def test_a_bad_token_is_nobody_even_with_a_good_cookie(operator_client: Client, header: str) -> None:
    response = operator_client.get("/api/v1/sessions", headers={"Authorization": header})

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"
    assert "Bearer" in response.headers["WWW-Authenticate"]


def test_a_token_notes_when_it_was_used_but_not_every_time(api: Client, django_assert_num_queries: Any) -> None:
    get(api, "/sessions")
    first = ApiToken.objects.get().last_used_at
    assert first is not None

    with django_assert_num_queries(2):
        get(api, "/sessions")
    assert ApiToken.objects.get().last_used_at == first


def test_cancel_notes_the_wish_once(api: Client, session: Session) -> None:
    waiting = Delivery.objects.create(session=session, kind="reply", status="queued")

    answer = api.post(f"/api/v1/deliveries/{waiting.pk}/cancel")

    waiting.refresh_from_db()
    assert answer.status_code == 202
    assert waiting.status == "cancelled" or waiting.cancel_requested_at is not None


def test_what_has_ended_cannot_be_cancelled(api: Client, delivery: Delivery) -> None:
    answer = api.post(f"/api/v1/deliveries/{delivery.pk}/cancel")

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"
    assert api.post("/api/v1/deliveries/424242/cancel").status_code == 404


def test_a_signed_in_page_needs_its_csrf_token_to_cancel(operator: Any, session: Session) -> None:
    waiting = Delivery.objects.create(session=session, kind="reply", status="queued")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(operator)
    address = f"/api/v1/deliveries/{waiting.pk}/cancel"
    browser.cookies["qqconsole_csrf"] = "t" * 32

    assert browser.post(address).status_code == 403
    assert browser.post(address, headers={"X-CSRFToken": "u" * 32}).status_code == 403
    assert browser.post(address, headers={"X-CSRFToken": "t" * 32}).status_code == 202
