"""What a page says that cannot be shown: in the console's own frame, in the reader's language."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.utils import translation


@pytest.mark.django_db
def test_an_address_without_anything_leads_back(operator_client: Client) -> None:
    for path in ("/nothing/here/", "/sessions/999/", "/chunks/999/wire/"):
        answer = operator_client.get(path, headers={"accept-language": "zh-CN"})
        assert answer.status_code == 404
        assert "这个地址没有内容" in answer.content.decode()
        assert 'href="/"' in answer.content.decode()


@pytest.mark.django_db
def test_an_expired_form_says_that_nothing_was_changed() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/accounts/login/", {"username": "x", "password": "y"}, headers={"accept-language": "en"})
    assert answer.status_code == 403
    assert "Nothing was changed." in answer.content.decode()


@pytest.mark.parametrize(("language", "words"), [("en", "made an error"), ("zh-hans", "控制台出错了")])
def test_an_error_of_ours_has_a_page_that_needs_nothing(language: str, words: str) -> None:
    handler = get_resolver().resolve_error_handler(500)
    with translation.override(language):
        answer = handler(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert words in answer.content.decode()
