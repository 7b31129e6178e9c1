"""The pages of the deliveries: what they show, to whom, and what a click on them does."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from qqconsole.accounts.models import AuditLine
from qqconsole.deliveries.models import Attempt, BulkResend, Chunk, Delivery, Mode, PassivePair, Status
from tests.console.rows import (
    add_chunk,
    make_attempt,
    make_bot,
    make_delivery,
    make_file,
    make_message,
    make_segment,
    make_session,
    make_stream,
)

pytestmark = pytest.mark.django_db


def failed_file(name: str = "photo.png", **fields: object) -> Delivery:
    """A file that QQ refused at its upload."""
    values = {"status": Status.FAILED, "reason": "refused", "code": 850019, "failed_step": "upload", **fields}
    session = values.pop("session", None) or make_session()
    delivery = make_delivery(session, kind="media", item=make_file(name), finished_at=timezone.now(), **values)
    attempt = make_attempt(delivery, status=delivery.status, reason=delivery.reason, code=delivery.code)
    segment = make_segment(attempt, kind="media", status="failed", media={"kind": "image", "name": name})
    add_chunk(segment, "", "upload", status="refused", code=850019, http_status=400, trace_id="trace-of-the-no")
    return delivery


def read(client: Client, path: str, language: str = "en", status: int = 200) -> str:
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == status
    return response.content.decode()


def shown(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<li class="sent" data-delivery="(\d+)"', html)]


def test_an_empty_list_explains_itself(operator_client):
    assert "Nothing was sent yet" in read(operator_client, "/deliveries/")
    assert "No delivery matches" in read(operator_client, "/deliveries/?status=failed")
    assert "还没有发送过任何内容" in read(operator_client, "/deliveries/", "zh-CN")


def test_a_line_says_what_failed_where_and_why(operator_client):
    failed_file("报告.pdf", requested_name="olga")
    html = read(operator_client, "/deliveries/")
    for words in ("报告.pdf", "upload", "850019", "QQ does not support this format", "asked by olga", "failed"):
        assert words in html
    assert "不支持这种文件格式" in read(operator_client, "/deliveries/", "zh-CN")


def test_filters_narrow_the_list_and_stay_on_its_older_pages(operator_client):
    session = make_session()
    failed = [failed_file(f"{number}.png", session=session).pk for number in range(60)]
    make_stream(session, ["fine"], closed=True)
    dismissed = failed_file(dismissed_at=timezone.now())

    first = read(operator_client, "/deliveries/?status=failed&dismissed=false")
    assert shown(first) == failed[:9:-1]
    older = re.search(r'rel="next" href="\?([^"]+)"', first)
    assert older
    assert shown(read(operator_client, "/deliveries/?" + older[1].replace("&amp;", "&"))) == failed[9::-1]
    assert dismissed.pk in shown(read(operator_client, "/deliveries/?status=failed"))
    assert len(shown(read(operator_client, "/deliveries/?kind=reply"))) == 1
    assert shown(read(operator_client, "/deliveries/?code=1")) == []


@pytest.mark.parametrize("query", ["code=x", "since=yesterday", "status=lost", "bot=-1", "step=nowhere"])
def test_a_filter_that_makes_no_sense_is_told_and_not_left_out(operator_client, query):
    delivery = failed_file()
    html = read(operator_client, f"/deliveries/?{query}", status=400)
    assert 'role="alert"' in html
    assert str(delivery.pk) not in map(str, shown(html))


def test_a_cursor_nobody_gave_is_not_found(operator_client):
    read(operator_client, "/deliveries/?cursor=x", status=404)
    read(operator_client, "/deliveries/999999/", status=404)


def test_a_page_costs_the_same_however_many_it_lists(operator_client, django_assert_max_num_queries):
    for number in range(20):
        failed_file(session=make_session(make_bot(), name=f"s{number}"))
    with django_assert_max_num_queries(8):
        read(operator_client, "/deliveries/")


def test_one_delivery_tells_each_attempt_with_who_and_why(operator_client):
    delivery = failed_file(requested_name="olga")
    make_attempt(delivery, 2, mode=Mode.RESEND, requested_name="ada", why="QQ was down", status=Status.QUEUED)
    html = read(operator_client, f"/deliveries/{delivery.pk}/")
    for words in (
        "photo.png",
        "QQ refused it",
        "850019",
        "trace-of-the-no",
        "asked by ada",
        "QQ was down",
        "sent again",
    ):
        assert words in html
    assert html.index('data-attempt="2"') < html.index('data-attempt="1"')


def test_text_and_names_are_text(operator_client):
    evil = "<img src=x onerror=alert(1)>"
    delivery = failed_file(evil, caption=evil, detail=evil, requested_name=evil)
    make_delivery(make_session(name=evil), make_message(make_session(), evil), status=Status.FAILED, reason=evil[:40])
    for path in ("/deliveries/", f"/deliveries/{delivery.pk}/"):
        assert "<img src=x" not in read(operator_client, path)


def test_no_page_needs_anything_inline(admin_client):
    delivery = failed_file()
    job = BulkResend.objects.create(total=1)
    one = f"/deliveries/{delivery.pk}/"
    for path in (
        "/deliveries/",
        one,
        f"{one}resend/",
        "/resends/",
        f"/resends/{job.pk}/",
        "/resends/preview/",
        "/audit/",
    ):
        html = read(admin_client, path)
        assert not re.search(r"<script(?![^>]*\b(src|application/json))", html)
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", html)


def test_operators_see_why_they_may_not_and_admins_get_the_button(operator_client, admin_client):
    delivery = failed_file()
    path = f"/deliveries/{delivery.pk}/"
    assert "are for admins" in read(operator_client, path)
    assert f"{path}resend/" not in read(operator_client, path)
    assert f"{path}resend/" in read(admin_client, path)
    read(operator_client, f"{path}resend/", status=403)
    assert operator_client.post(f"{path}resend/").status_code == 403
    assert operator_client.post(f"{path}dismiss/").status_code == 403
    assert Attempt.objects.count() == 1


def test_sending_again_adds_one_attempt_however_often_it_is_clicked(admin_client):
    delivery = failed_file()
    path = f"/deliveries/{delivery.pk}/resend/"
    html = read(admin_client, path)
    assert "photo.png" in html
    assert "QQ will probably refuse it again." in html
    form = {"key": re.search(r'name="key" value="(\w+)"', html)[1], "why": "again"}

    for _ in range(2):
        assert admin_client.post(path, form).headers["Location"] == f"/deliveries/{delivery.pk}/"
    attempt = delivery.attempts.get(number=2)
    assert (attempt.status, attempt.requested_name, attempt.why) == (Status.QUEUED, "ada", "again")
    assert delivery.attempts.count() == 2
    assert AuditLine.objects.filter(action="resend", subject=f"delivery {delivery.pk}").count() == 1
    refused = admin_client.post(path, {"key": "another"}, headers={"accept-language": "en"})
    assert refused.status_code == 409
    assert b"being sent right now" in refused.content


def test_an_unknown_one_is_not_sent_without_the_tick(admin_client):
    delivery = failed_file(status=Status.UNKNOWN, reason="no_proof", code=None, failed_step="send")
    path = f"/deliveries/{delivery.pk}/resend/"
    assert "the user may see it twice" in read(admin_client, path)
    assert admin_client.post(path, {"key": "one"}).status_code == 409
    assert delivery.attempts.count() == 1
    assert admin_client.post(path, {"key": "one", "accept_second_copy": "1"}).status_code == 302
    assert delivery.attempts.count() == 2


def test_the_exact_repeat_is_offered_explained_and_asked_for(admin_client):
    message = make_message(make_session())
    delivery = make_delivery(
        message.session, message, status=Status.UNKNOWN, reason="no_proof", generated_text="早上九点开门。"
    )
    attempt = make_attempt(delivery, status=Status.UNKNOWN)
    segment = make_segment(attempt, kind="plain", dialect="", status="unknown", reference=message.qq_id)
    body = {"msg_type": 0, "content": "早上九点开门。", "msg_id": message.qq_id, "msg_seq": 7}
    request = {"method": "POST", "path": f"/v2/users/{message.session.target_id}/messages", "body": body}
    add_chunk(segment, "早上九点开门。", "plain", status="unknown", http_status=None, msg_seq=7, request=request)
    pair = {"bot": message.bot, "target_id": message.session.target_id, "msg_id": message.qq_id, "msg_seq": 7}
    PassivePair.objects.create(segment=segment, chunk_number=1, **pair)
    path = f"/deliveries/{delivery.pk}/resend/"

    assert "Exact repeat (safe)" in read(admin_client, path)
    assert admin_client.post(path, {"key": "one", "mode": "resend"}).status_code == 409
    assert admin_client.post(path, {"key": "one", "mode": "repeat"}).status_code == 302
    assert delivery.attempts.get(number=2).mode == Mode.REPEAT


def test_what_was_delivered_says_why_it_is_not_sent_again(admin_client):
    delivery = make_stream(make_session(), ["fine"], closed=True)
    html = read(admin_client, f"/deliveries/{delivery.pk}/resend/")
    assert "It has been delivered" in html
    assert 'name="why"' not in html


def test_dismissing_takes_it_off_the_failed_ones_and_back(admin_client):
    delivery = failed_file()
    path = f"/deliveries/{delivery.pk}/dismiss/"
    admin_client.post(path)
    assert shown(read(admin_client, "/deliveries/?status=failed&dismissed=false")) == []
    admin_client.post(path, {"undo": "1"})
    assert shown(read(admin_client, "/deliveries/?status=failed&dismissed=false")) == [delivery.pk]


def test_stopping_one_that_waits_ends_it(operator_client):
    delivery = make_delivery(make_session(), status=Status.QUEUED)
    operator_client.post(f"/deliveries/{delivery.pk}/cancel/")
    delivery.refresh_from_db()
    assert delivery.status == Status.CANCELLED


def test_forms_are_refused_without_the_token_of_our_own_page(admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    delivery = failed_file()
    for path in (f"/deliveries/{delivery.pk}/resend/", "/resends/preview/?status=failed"):
        assert client.post(path, {"key": "forged", "count": 1}).status_code == 403
    assert Attempt.objects.count() == 1


def test_looking_at_any_page_sends_nothing(admin_client):
    delivery = failed_file()
    for path in ("", f"{delivery.pk}/", f"{delivery.pk}/resend/"):
        read(admin_client, f"/deliveries/{path}")
    read(admin_client, "/resends/preview/?status=failed")
    delivery.refresh_from_db()
    assert (delivery.status, Attempt.objects.count(), Chunk.objects.count()) == (Status.FAILED, 1, 1)
    assert BulkResend.objects.count() == 0


def preview(client: Client, query: str) -> tuple[str, dict[str, str]]:
    html = read(client, f"/resends/preview/?{query}")
    names = ("key", "count", "newest_id")
    return html, {name: re.search(rf'name="{name}" value="(\w+)"', html)[1] for name in names}


def test_one_is_called_one(admin_client):
    failed_file()
    html = read(admin_client, "/deliveries/?kind=media")
    assert "Send the failed one again" in html
    assert "Send all" not in html


def test_many_are_sent_again_once_with_the_count_that_was_shown(admin_client):
    deliveries = [failed_file(f"{number}.png") for number in range(3)]
    failed_file(status=Status.UNKNOWN)
    assert "Send all 3 failed ones again" in read(admin_client, "/deliveries/?kind=media")
    query = "kind=media&status=failed&status=unknown"
    html, form = preview(admin_client, query)
    assert form["count"] == "3"
    assert "1 are left out because QQ may have them already" in html

    for _ in range(2):
        answer = admin_client.post(f"/resends/preview/?{query}", {**form, "why": "outage"})
    job = BulkResend.objects.get()
    assert answer.headers["Location"] == f"/resends/{job.pk}/"
    assert (job.total, job.why, job.requested_name) == (3, "outage", "ada")
    page = read(admin_client, f"/resends/{job.pk}/")
    assert "0 of 3 ended" in page
    assert "outage" in read(admin_client, "/resends/")
    assert admin_client.post(f"/resends/{job.pk}/cancel/").status_code == 302
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert {delivery.pk for delivery in deliveries} == set(shown(read(admin_client, "/deliveries/?status=failed")))


def test_a_preview_that_is_out_of_date_begins_nothing(admin_client):
    later = failed_file()
    _, form = preview(admin_client, "kind=media")
    form["count"] = "0"
    assert later.pk == int(form["newest_id"])
    answer = admin_client.post("/resends/preview/?kind=media", form)
    assert answer.status_code == 409
    assert BulkResend.objects.count() == 0


def test_the_audit_says_who_did_what(admin_client):
    assert "Nobody has done anything yet" in read(admin_client, "/audit/")
    delivery = failed_file()
    admin_client.post(f"/deliveries/{delivery.pk}/dismiss/")
    html = read(admin_client, "/audit/")
    assert "dismissed it" in html
    assert f'href="/deliveries/{delivery.pk}/"' in html
