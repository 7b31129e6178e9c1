"""``/healthz``: is each part of this process alive?"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from qqconsole.engine.health import check


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when every part is well, else 503; the body names each part with "" or what is wrong with it."""
    parts = check()
    well = not any(parts.values())
    return JsonResponse({"ok": well, "parts": parts}, status=200 if well else 503)
