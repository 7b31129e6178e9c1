"""A form in a charset that is none."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
MULTIPART = "multipart/form-data; boundary=x"
BODY = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nann\r\n--x--\r\n'


@pytest.mark.parametrize("charset", ["base64", "zip", "rot13", "hex"])
@pytest.mark.parametrize("kind", [MULTIPART, "application/x-www-form-urlencoded"])
def test_what_is_no_charset_is_refused(client: Client, kind: str, charset: str) -> None:
    answer = client.generic("POST", reverse("login"), BODY, content_type=f"{kind}; charset={charset}")
    assert answer.status_code == 415


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "unheard-of", ""])
def test_a_charset_or_a_name_nobody_knows_is_read(client: Client, charset: str) -> None:
    answer = client.generic("POST", reverse("login"), BODY, content_type=f"{MULTIPART}; charset={charset}")
    assert answer.status_code == 200
