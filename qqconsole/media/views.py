"""The library's pages: the list, a file, a thumbnail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.db.models import Q, QuerySet
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from adapter.storable import storable
from qqconsole.cursors import BadCursor, before_id
from qqconsole.deliveries.models import Delivery
from qqconsole.media.models import MediaFile, MediaKind
from qqconsole.media.names import LONGEST
from qqconsole.media.shelves import items_of
from qqconsole.media.sniffing import MP4, PICTURES, SOUNDS
from qqconsole.media.storage import media_storage

PAGE = 48
"""Files on one page."""

SHOWN = frozenset({*PICTURES, *SOUNDS, MP4, "audio/mp4"})
"""What a browser may show by itself. Anything else, an SVG or a web page above all, is only to be saved."""
POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
"""Whatever a file holds: it runs nothing and is no page of ours."""


@require_safe
def media_list(request: HttpRequest) -> HttpResponse:
    """Files, newest first; ``?kind=`` and ``?q=`` narrow the list, ``?cursor=`` is where an older page begins."""
    kind, words, cursor = (storable(request.GET.get(name, "")).strip() for name in ("kind", "q", "cursor"))
    # No name is longer; and SQLite compares with no pattern over 50,000 bytes.
    words = words[:LONGEST]
    try:
        rows = _narrowed(kind, words).filter(before_id(cursor))
    except BadCursor:
        raise Http404 from None
    ids = list(rows.order_by("-pk").values_list("pk", flat=True)[: PAGE + 1])
    shown = ids[:PAGE]
    return render(
        request,
        "media/media_list.html",
        {
            "items": items_of(MediaFile.objects.all(), shown),
            "older": shown[-1] if len(ids) > PAGE else "",
            "is_first": not cursor,
            "kinds": MediaKind.choices,
            "kind": kind,
            "words": words,
        },
    )


@require_safe
def media_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The content, to be shown where that is harmless, else to be saved."""
    file = get_object_or_404(MediaFile, pk=pk)
    is_shown = file.mime in SHOWN
    return _stored(file.file, file.mime if is_shown else "application/octet-stream", file.name, save=not is_shown)


@require_safe
def media_thumbnail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The thumbnail; 404 where there is none."""
    file = get_object_or_404(MediaFile, pk=pk)
    if not file.thumbnail:
        raise Http404
    return _stored(file.thumbnail, "image/webp", f"{file.pk}.webp")


class StoredFile(FileResponse):
    """A file piece by piece under ASGI too, where Django's own would read all of it first."""

    block_size = 65_536

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: Iterator[bytes] = iter(self)
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece


def _stored(field: FieldFile, content_type: str, name: str, *, save: bool = False) -> HttpResponseBase:
    try:
        stored = media_storage().open(field.name or "")
    except FileNotFoundError:
        raise Http404 from None
    response = StoredFile(stored, content_type=content_type, filename=name, as_attachment=save)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Content never changes under its number; but it is for those who are signed in, so no proxy may keep it.
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _narrowed(kind: str, words: str) -> QuerySet[MediaFile]:
    # What a recording was turned into stands beside it, not on a shelf of its own.
    files = MediaFile.objects.filter(recordings=None)
    if kind in MediaKind.values:
        files = files.filter(kind=kind)
    if words:
        # A delivery may have sent it under another name than the one it first came with.
        # That the name is not empty says which index to read: the small one, of those that have one.
        named = Delivery.objects.exclude(file_name="")
        sent = named.filter(file_name__icontains=words, item__isnull=False).values("item")
        files = files.filter(Q(name__icontains=words) | Q(pk__in=sent))
    return files
