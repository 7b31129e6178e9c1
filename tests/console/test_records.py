"""Django admin: records for admins by role, nothing to change, no secret, and the same resend behind its action."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import translation

from qqconsole.accounts.models import AuditLine
from qqconsole.deliveries.models import Attempt, Delivery, Status
from tests.console.rows import make_bot
from tests.console.test_delivery_pages import failed_file, read

pytestmark = pytest.mark.django_db
LIST = "/admin/deliveries/delivery/"
IN_CHINESE = re.compile("[\u4e00-\u9fff]")
AS_THEY_ARE = {"id", "app_id", "msg_seq", "sha256", "sha1", "md5", "trace_id"}
"""Fields whose names are the same in both languages."""


def test_the_role_decides_and_not_the_staff_flag(admin_client, operator_client, admin, operator):
    admin.is_staff, operator.is_staff = False, True
    admin.save()
    operator.save()
    assert "Deliveries" in read(admin_client, "/admin/")
    read(operator_client, "/admin/", status=403)
    read(operator_client, LIST, status=403)


def test_every_name_is_in_the_readers_language():
    with translation.override("zh-hans"):
        for model, records in admin.site._registry.items():
            opts = model._meta
            named = [field for field in opts.get_fields() if field.concrete and field.name not in AS_THEY_ARE]
            names = [opts.app_config.verbose_name, opts.verbose_name, opts.verbose_name_plural]
            names += [field.verbose_name for field in named]
            assert [str(name) for name in names if not IN_CHINESE.search(str(name))] == [], records


def test_code_words_are_plain_words_in_lists_and_details(admin_client):
    delivery = failed_file(failed_step="prepare")
    for path in (LIST, f"{LIST}{delivery.pk}/change/"):
        html = read(admin_client, path)
        assert "QQ refused it, or a part of it, for good." in html
        assert "preparing the upload" in html
        assert ">prepare<" not in html
    assert "0 deliveries" in read(admin_client, f"{LIST}?failed_step=part")
    assert "1 delivery" in read(admin_client, f"{LIST}?failed_step=prepare")
    bare = read(admin_client, f"{LIST}{failed_file(reason='', failed_step='').pk}/change/", "zh-CN")
    assert ">None<" not in bare
    assert "失败步骤" in bare
    AuditLine.objects.create(name="ada", action="resend", subject=f"delivery {delivery.pk}")
    assert "sent it again" in read(admin_client, "/admin/accounts/auditline/")


def test_nobody_signs_in_by_another_door(client):
    for path in ("/admin/", LIST):
        assert client.get(path).headers["Location"] == f"/accounts/login/?next={path}"


def test_nothing_can_be_added_changed_or_deleted(admin_client):
    delivery = failed_file()
    for path in ("add/", f"{delivery.pk}/delete/", f"{delivery.pk}/history/"):
        assert admin_client.get(f"{LIST}{path}").status_code == 404
    change = f"{LIST}{delivery.pk}/change/"
    assert 'name="status"' not in read(admin_client, change)
    assert admin_client.post(change, {"status": "delivered"}).status_code == 403
    delivery.refresh_from_db()
    assert delivery.status == Status.FAILED
    assert not any(
        getattr(records, f"has_{what}_permission")(None)
        for records in admin.site._registry.values()
        for what in ("add", "change", "delete")
    )


def test_a_bots_record_holds_no_secret(admin_client):
    bot = make_bot("shop", secret="hush-hush-secret", source_key="hush-hush-key")
    html = read(admin_client, reverse("admin:bots_bot_change", args=[bot.pk])) + read(admin_client, "/admin/bots/bot/")
    assert "shop" in html
    assert "hush-hush" not in html
    assert "secret" not in html.lower()


def test_one_cannot_search_by_a_field_that_is_not_offered(admin_client):
    make_bot("shop")
    answer = admin_client.get("/admin/bots/bot/?secret__startswith=a")
    assert answer.status_code == 400 or "e=1" in answer.headers.get("Location", "")


def act(client, deliveries, **fields):
    form = {"action": "send_again", "_selected_action": [delivery.pk for delivery in deliveries], **fields}
    return client.post(LIST, form, headers={"accept-language": "en"})


def test_send_again_first_says_what_it_would_do(admin_client):
    answer = act(admin_client, [failed_file(), failed_file(status=Status.UNKNOWN), failed_file(status="delivered")])
    html = answer.content.decode()
    assert "2 of them have failed or stopped" in html
    assert "1 are unknown" in html
    assert Attempt.objects.count() == 3


def test_send_again_is_the_same_resend_with_its_audit_lines(admin_client):
    failed, unknown = failed_file(), failed_file(status=Status.UNKNOWN)
    answer = act(admin_client, [failed, unknown], confirmed="1", key="records-1", why="outage")
    assert answer.status_code == 302
    html = read(admin_client, LIST)
    assert "1 are sent again." in html
    assert "QQ may have it already" in html
    assert Delivery.objects.get(pk=failed.pk).status == Status.QUEUED
    assert failed.attempts.get(number=2).why == "outage"
    assert unknown.attempts.count() == 1
    assert [line.subject for line in AuditLine.objects.all()] == [f"delivery {failed.pk}"]
    act(admin_client, [unknown], confirmed="1", key="records-2", accept_second_copy="1")
    assert unknown.attempts.count() == 2
