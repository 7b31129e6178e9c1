"""The library as a person sees it: what is in it, where it went, and nothing that runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.test import AsyncClient, Client

from qqconsole.accounts.models import User
from qqconsole.conversations.models import Session
from qqconsole.media.intake import take_in
from qqconsole.media.models import MediaFile, MediaUse
from qqconsole.media.views import PAGE
from tests.console.media_files import PAGE as WEB_PAGE
from tests.console.media_files import SVG, picture
from tests.console.rows import make_delivery


def taken(data: bytes, name: str) -> MediaFile:
    return take_in(io.BytesIO(data), name=name)


def many(count: int) -> None:
    MediaFile.objects.bulk_create(
        MediaFile(
            sha256=f"{number:064}",
            size=number,
            name=f"file {number:03}",
            file=f"files/{number}",
            kind="image" if number % 2 else "file",
            last_used_at="2026-01-01T00:00:00Z",
        )
        for number in range(count)
    )


def body_of(response: object) -> bytes:
    return b"".join(response)  # type: ignore[call-overload,no-any-return]


def test_an_empty_library_says_how_it_fills(library: Path, operator_client: Client) -> None:
    page = operator_client.get("/media/").content.decode()

    assert "这里还什么都没有" in page


def test_a_file_stands_there_with_what_is_known_of_it(library: Path, operator_client: Client, session: Session) -> None:
    file = taken(picture(), "<b>猫</b>.png")
    make_delivery(session, kind="media", item=file)
    reply = make_delivery(session)
    MediaUse.objects.create(file=file, delivery=reply)

    page = operator_client.get("/media/").content.decode()

    assert "&lt;b&gt;猫&lt;/b&gt;.png" in page or "b&gt;.png" in page
    assert "<b>猫" not in page
    assert file.sha256[:12] in page
    assert "64 × 48" in page
    assert page.count(f"/sessions/{session.pk}/?delivery=") == 2
    assert f"/media/{file.pk}/thumbnail" in page


def test_many_deliveries_of_one_file_are_counted(library: Path, operator_client: Client, session: Session) -> None:
    file = taken(picture(), "a.png")
    for _ in range(5):
        make_delivery(session, kind="media", item=file)

    page = operator_client.get("/media/").content.decode()

    assert page.count(f"/sessions/{session.pk}/?delivery=") == 3
    assert "另有 2 次" in page


def test_the_list_goes_on_where_the_page_before_ended(library: Path, operator_client: Client) -> None:
    many(PAGE + 3)
    first = operator_client.get("/media/")
    older = first.context["older"]

    second = operator_client.get(f"/media/?cursor={older}")

    shown = [item.file.name for page in (first, second) for item in page.context["items"]]
    assert shown == [f"file {number:03}" for number in reversed(range(PAGE + 3))]
    assert second.context["older"] == ""
    assert operator_client.get("/media/?cursor=nonsense").status_code == 404


def test_the_list_is_narrowed_by_kind_and_name(library: Path, operator_client: Client, session: Session) -> None:
    many(4)
    make_delivery(session, kind="media", item=MediaFile.objects.get(name="file 002"), file_name="季度报告.pdf")

    def names(query: str) -> list[str]:
        return [item.file.name for item in operator_client.get(f"/media/?{query}").context["items"]]

    assert names("kind=image") == ["file 003", "file 001"]
    assert names("q=001") == ["file 001"]
    assert names("q=季度") == ["file 002"]
    assert names("q=nowhere") == []
    assert names("q=" + "a" * 60_000) == []


def test_the_list_asks_as_much_for_many_files_as_for_one(
    library: Path, operator_client: Client, django_assert_max_num_queries: object
) -> None:
    many(PAGE)

    with django_assert_max_num_queries(10):  # type: ignore[operator]
        operator_client.get("/media/")


@pytest.mark.parametrize(
    ("data", "name", "shown", "content_type"),
    [
        (picture(), "a.png", True, "image/png"),
        (SVG, "a.svg", False, "application/octet-stream"),
        (WEB_PAGE, "a.html", False, "application/octet-stream"),
        (WEB_PAGE, "a.png", False, "application/octet-stream"),
    ],
)
def test_only_what_runs_nothing_is_shown(
    library: Path, operator_client: Client, data: bytes, name: str, shown: bool, content_type: str
) -> None:
    file = taken(data, name)

    response = operator_client.get(f"/media/{file.pk}/file")

    assert body_of(response) == data
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Content-Disposition"].startswith("inline" if shown else "attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert "private" in response.headers["Cache-Control"]


def test_a_chinese_name_is_saved_under_it(library: Path, operator_client: Client) -> None:
    file = taken(b"%PDF-1.4\n", "季度报告.pdf")

    response = operator_client.get(f"/media/{file.pk}/file")
    response.close()

    said = response.headers["Content-Disposition"]
    assert said == "attachment; filename*=utf-8''%E5%AD%A3%E5%BA%A6%E6%8A%A5%E5%91%8A.pdf"


def test_what_is_not_there_is_not_found(library: Path, operator_client: Client) -> None:
    file = taken(b"text", "a.txt")
    (library / "media" / str(file.file.name)).unlink()

    assert operator_client.get(f"/media/{file.pk}/file").status_code == 404
    assert operator_client.get(f"/media/{file.pk}/thumbnail").status_code == 404
    assert operator_client.get("/media/12345/file").status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_a_file_is_sent_piece_by_piece_to_a_browser(library: Path) -> None:
    from asgiref.sync import sync_to_async

    data = picture(600, 600)
    file = await sync_to_async(taken)(data, "a.png")
    client = AsyncClient()
    await sync_to_async(client.force_login)(await User.objects.acreate(username="olga"))

    response = await client.get(f"/media/{file.pk}/file")
    pieces = [piece async for piece in response]

    assert b"".join(pieces) == data
    assert len(pieces) > 5
    response.close()
