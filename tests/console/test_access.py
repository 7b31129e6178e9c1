"""Who gets in where: every URL, socket and API call, walked as nobody, operator and admin.

The walk is compared with the URL resolver, the API's operations and the websocket's routes: a new address without
a row here fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from qqconsole.accounts.models import ApiToken, AuditLine, Role, User
from qqconsole.api.urls import api
from qqconsole.asgi import application
from qqconsole.deliveries.models import BulkResend, Chunk, Delivery
from qqconsole.live.routing import websocket_application
from qqconsole.media.models import MediaFile
from tests.console.rows import make_file

SIGN_IN = 302
"""Nobody is sent to the sign-in page."""


@dataclass(frozen=True)
class Row:
    """One call: where, and the status each may expect. ``{delivery}``, ``{session}`` and ``{chunk}`` are filled in."""

    method: str
    route: str
    """As the resolver writes it."""
    address: str
    nobody: int
    operator: int
    admin: int
    by_token: bool = False
    """Also walked with API tokens of both roles."""


def page(route: str, address: str) -> Row:
    """A page for everybody who signed in."""
    return Row("GET", route, address, SIGN_IN, 200, 200)


def admins_page(route: str, address: str) -> list[Row]:
    """A page that operators are refused."""
    return [Row("GET", route, address, SIGN_IN, 403, 200)]


def records(model: str, pk: str) -> list[Row]:
    """A model in Django admin."""
    return [
        *admins_page(f"admin/{model}/", f"/admin/{model}/"),
        *admins_page(f"admin/{model}/<path:object_id>/change/", f"/admin/{model}/{pk}/change/"),
    ]


def call(method: str, route: str, address: str, operator: int, admin: int) -> Row:
    """An API call: 401 for nobody."""
    return Row(method, f"api/v1/{route}", f"/api/v1/{address}", 401, operator, admin, by_token=True)


APP_LIST = "admin/^(?P<app_label>bots|conversations|media|deliveries|accounts)/$"

ROWS = [
    # Doors that stand open.
    Row("GET", "accounts/login/", "/accounts/login/", 200, 302, 302),
    Row("POST", "accounts/logout/", "/accounts/logout/", 302, 302, 302),
    Row("POST", "language/", "/language/", 302, 302, 302),
    Row("GET", "healthz", "/healthz", 200, 200, 200),
    # From far away, without credentials: tests/console/test_doors.py shows the other cases.
    Row("GET", "metrics", "/metrics", 401, 200, 200, by_token=True),
    # The pages.
    page("", "/"),
    page("sessions/<int:pk>/", "/sessions/{session}/"),
    page("chunks/<int:pk>/wire/", "/chunks/{chunk}/wire/"),
    page("media/", "/media/"),
    page("media/<int:pk>/file", "/media/{media}/file"),
    page("media/<int:pk>/thumbnail", "/media/{media}/thumbnail"),
    page("bots/", "/bots/"),
    Row("POST", "bots/<int:pk>/try/", "/bots/{bot}/try/", SIGN_IN, 403, 302),
    page("deliveries/", "/deliveries/"),
    page("deliveries/<int:pk>/", "/deliveries/{delivery}/"),
    page("deliveries/<int:pk>/written/", "/deliveries/{delivery}/written/"),
    Row("POST", "deliveries/<int:pk>/cancel/", "/deliveries/{delivery}/cancel/", SIGN_IN, 302, 302),
    # For admins.
    *admins_page("deliveries/<int:pk>/resend/", "/deliveries/{delivery}/resend/"),
    # It waits for its turn already.
    Row("POST", "deliveries/<int:pk>/resend/", "/deliveries/{delivery}/resend/", SIGN_IN, 403, 409),
    Row("POST", "deliveries/<int:pk>/dismiss/", "/deliveries/{delivery}/dismiss/", SIGN_IN, 403, 302),
    *admins_page("resends/", "/resends/"),
    *admins_page("resends/preview/", "/resends/preview/"),
    # Nothing has failed.
    Row("POST", "resends/preview/", "/resends/preview/", SIGN_IN, 403, 409),
    *admins_page("resends/<int:pk>/", "/resends/{resend}/"),
    Row("POST", "resends/<int:pk>/cancel/", "/resends/{resend}/cancel/", SIGN_IN, 403, 302),
    *admins_page("audit/", "/audit/"),
    # Django admin: lists and records of these, and nothing else.
    *admins_page("admin/", "/admin/"),
    Row("GET", "admin/login/", "/admin/login/", SIGN_IN, 403, 302),
    *admins_page("admin/jsi18n/", "/admin/jsi18n/"),
    *admins_page(APP_LIST, "/admin/deliveries/"),
    *records("deliveries/delivery", "{delivery}"),
    *records("deliveries/attempt", "{attempt}"),
    *records("deliveries/segment", "{segment}"),
    *records("deliveries/chunk", "{chunk}"),
    *records("deliveries/bulkresend", "{resend}"),
    *records("conversations/session", "{session}"),
    *records("conversations/inboundmessage", "{message}"),
    *records("bots/bot", "{bot}"),
    *records("media/mediafile", "{media}"),
    *records("accounts/auditline", "{audit}"),
    # The API.
    call("GET", "openapi.json", "openapi.json", 200, 200),
    call("GET", "bots", "bots", 200, 200),
    call("GET", "sessions", "sessions", 200, 200),
    call("GET", "deliveries", "deliveries", 200, 200),
    call("GET", "deliveries/<int:delivery_id>", "deliveries/{delivery}", 200, 200),
    call("POST", "deliveries/<int:delivery_id>/cancel", "deliveries/{delivery}/cancel", 202, 202),
    call("POST", "deliveries", "deliveries", 422, 422),
    call("POST", "media", "media", 422, 422),
    call("GET", "media/<int:media_id>", "media/{media}", 200, 200),
    call("GET", "deliveries/<int:delivery_id>/outlook", "deliveries/{delivery}/outlook", 200, 200),
    # It waits for its turn already.
    call("POST", "deliveries/<int:delivery_id>/resend", "deliveries/{delivery}/resend", 403, 409),
    call("POST", "deliveries/<int:delivery_id>/dismiss", "deliveries/{delivery}/dismiss", 403, 409),
    call("POST", "deliveries/<int:delivery_id>/undismiss", "deliveries/{delivery}/undismiss", 403, 409),
    call("POST", "resends/preview", "resends/preview", 422, 422),
    call("POST", "resends", "resends", 422, 422),
    call("GET", "resends/<int:resend_id>", "resends/{resend}", 200, 200),
    call("POST", "resends/<int:resend_id>/cancel", "resends/{resend}/cancel", 403, 202),
    Row("GET", "api/v1/", "/api/v1/", 404, 404, 404, by_token=True),
    Row("GET", "api/v1/^(?P<path>.*)$", "/api/v1/nothing", 404, 404, 404, by_token=True),
]

SOCKETS = {"ws/live/": ("/ws/live/", True), "": ("/ws/nothing/", False)}
"""Every websocket route with an address of it, and whether it opens to those who may."""


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield route


@pytest.fixture
def library(db: None) -> MediaFile:
    """One file of the library, with its content and its thumbnail."""
    file = make_file()
    file.file.save(f"walked/{file.sha256}", ContentFile(b"content"), save=False)
    file.thumbnail.save(f"walked/{file.sha256}.webp", ContentFile(b"thumbnail"), save=False)
    file.save()
    return file


@pytest.fixture
def fill(delivery: Delivery, library: MediaFile) -> dict[str, int]:
    Delivery.objects.update(status="queued")
    chunk = Chunk.objects.select_related("segment").earliest("pk")
    return {
        "delivery": delivery.pk,
        "session": delivery.session_id,
        "bot": delivery.session.bot_id,
        "message": delivery.inbound_id or 0,
        "attempt": chunk.segment.attempt_id,
        "segment": chunk.segment_id,
        "chunk": chunk.pk,
        "resend": BulkResend.objects.create().pk,
        "media": library.pk,
        "audit": AuditLine.objects.create(name="ada", action="resend", subject="delivery 1").pk,
    }


def identities(row: Row) -> Iterator[tuple[str, int]]:
    yield "nobody", row.nobody
    yield "operator", row.operator
    yield "admin", row.admin
    if row.by_token:
        yield "operator's token", row.operator
        yield "admin's token", row.admin
        yield "revoked token", row.nobody


def walker(who: str) -> Client:
    """A client from far away, as this identity."""
    client = Client(REMOTE_ADDR="192.0.2.1")
    if who in ("operator", "admin"):
        client.force_login(User.objects.create_user(f"walking-{who}", role=who))
    elif who != "nobody":
        role = Role.OPERATOR if who.startswith("operator") else Role.ADMIN
        token, secret = ApiToken.issue("walker", role)
        if who.startswith("revoked"):
            ApiToken.objects.filter(pk=token.pk).update(revoked_at=token.created_at)
        client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def test_every_address_has_a_row() -> None:
    walked = {row.route for row in ROWS}

    assert walked == set(routes(get_resolver().url_patterns))


def test_every_call_of_the_api_has_a_row() -> None:
    walked = {(row.method, row.address.split("?")[0]) for row in ROWS if row.address.startswith("/api/v1/")}
    offered = {
        (method.upper(), path.replace("_id}", "}"))
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method in operations
    }

    assert offered <= walked


def test_every_socket_has_a_row() -> None:
    assert set(SOCKETS) == set(routes(websocket_application.routes))


CASES = [(row, who, status) for row in ROWS for who, status in identities(row)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("row", "who", "status"), CASES, ids=[f"{row.method} {row.address} {who}" for row, who, _ in CASES]
)
def test_walk(row: Row, who: str, status: int, fill: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qqconsole.health.check", lambda: {"database": ""})

    response = walker(who).generic(row.method, row.address.format(**fill))
    response.getvalue()  # the file of the library is read to its end, and closed

    assert response.status_code == status
    if who == "nobody" and status == SIGN_IN and "accounts" not in row.address and "language" not in row.address:
        assert response.headers["Location"].startswith("/accounts/login/?next=")
    if status == 401:
        assert not response.headers.get("Location")
        assert Delivery.objects.filter(status="queued", cancel_requested_at=None).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("row", [row for row in ROWS if row.nobody in (SIGN_IN, 401)], ids=lambda row: row.address)
def test_no_other_method_lets_nobody_in(row: Row, method: str, fill: dict[str, int]) -> None:
    response = walker("nobody").generic(method, row.address.format(**fill))

    assert response.status_code in {302, 401, 403, 405}
    assert Delivery.objects.filter(status="queued", cancel_requested_at=None).exists()


async def socket_opens(address: str, headers: list[tuple[bytes, bytes]]) -> bool:
    communicator = WebsocketCommunicator(application, address, [(b"host", b"localhost"), *headers])
    opened, _ = await communicator.connect()
    await communicator.disconnect()
    return opened


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", SOCKETS)
@pytest.mark.parametrize(
    ("who", "opens"),
    [
        ("nobody", False),
        ("operator", True),
        ("admin", True),
        ("operator's token", True),
        ("admin's token", True),
        ("revoked token", False),
    ],
)
async def test_walk_the_sockets(route: str, who: str, opens: bool) -> None:
    client = await sync_to_async(walker)(who)
    headers = [(b"origin", b"http://localhost")]
    if "HTTP_AUTHORIZATION" in client.defaults:
        headers = [(b"authorization", client.defaults["HTTP_AUTHORIZATION"].encode())]
    elif settings.SESSION_COOKIE_NAME in client.cookies:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))

    address, is_there = SOCKETS[route]
    assert await socket_opens(address, headers) is (opens and is_there)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", SOCKETS)
async def test_a_page_of_another_origin_opens_no_socket(route: str) -> None:
    client = await sync_to_async(walker)("operator")
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()

    assert not await socket_opens(SOCKETS[route][0], [(b"origin", b"https://evil.example"), (b"cookie", cookie)])
