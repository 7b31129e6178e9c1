"""Sending one delivery again, dismissing it, stopping it: a person's hand on a row, each by one function below."""

from __future__ import annotations

import contextlib
import uuid

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST

from adapter import codes
from qqconsole.accounts.callers import Caller, caller_of
from qqconsole.deliveries.lines import line_of, with_lines
from qqconsole.deliveries.models import Delivery, Mode
from qqconsole.deliveries.outlook import Outlook, outlook
from qqconsole.deliveries.reasons import in_words
from qqconsole.deliveries.resend import ResendRefused, dismiss, resend, undismiss
from qqconsole.engine.cancel import request_cancel


@require_http_methods(["GET", "HEAD", "POST"])
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what will happen (in a dialog, or as a page of its own); POST asks for it."""
    caller = admin_of(request)
    delivery = get_object_or_404(with_lines(Delivery.objects.all()), pk=pk)
    if request.method != "POST":
        return _page(request, delivery)
    try:
        resend(
            pk,
            caller,
            why=request.POST.get("why", ""),
            mode=Mode.REPEAT if request.POST.get("mode") == Mode.REPEAT else Mode.RESEND,
            idempotency_key=request.POST.get("key", ""),
            accept_second_copy=request.POST.get("accept_second_copy") == "1",
        )
    except ResendRefused as refused:
        return _page(request, delivery, refused)
    return redirect("delivery", pk)


def _page(request: HttpRequest, delivery: Delivery, refused: ResendRefused | None = None) -> HttpResponse:
    ahead = outlook(delivery, timezone.now())
    return render(
        request,
        "deliveries/resend.html",
        {
            "line": line_of(delivery),
            "outlook": ahead,
            "problem": in_words(refused.reason) if refused else "",
            "never": in_words(ahead.refused) if ahead.refused else "",
            "passive_words": in_words(ahead.passive_why) if ahead.passive_why else "",
            "likely_words": in_words(ahead.likely_why) if ahead.likely_why else "",
            "likely_meaning": _meaning(ahead),
            "key": uuid.uuid4().hex,
            "why": request.POST.get("why", ""),
            "is_repeat": request.POST.get("mode", Mode.REPEAT) == Mode.REPEAT and ahead.repeat is not None,
        },
        status=409 if refused else 200,
    )


def _meaning(ahead: Outlook) -> str:
    return codes.meaning(ahead.likely_refused, get_language() or "en") if ahead.likely_refused else ""


@require_POST
def dismissing(request: HttpRequest, pk: int) -> HttpResponse:
    """List a failed delivery no longer, or again."""
    caller = admin_of(request)
    get_object_or_404(Delivery.objects.only("pk"), pk=pk)
    # Refused, it is being sent again meanwhile: its page shows that.
    with contextlib.suppress(ResendRefused):
        (undismiss if request.POST.get("undo") else dismiss)(pk, caller)
    return redirect("delivery", pk)


@require_POST
def cancelling(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop what has not ended; its page shows what became of it."""
    get_object_or_404(Delivery.objects.only("pk"), pk=pk)
    request_cancel(pk)
    return redirect("delivery", pk)


def admin_of(request: HttpRequest) -> Caller:
    """The one who asks, if an admin. Raises PermissionDenied."""
    caller = caller_of(request)
    if caller is None or not caller.is_admin:
        raise PermissionDenied
    return caller
