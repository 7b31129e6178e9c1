"""``/metrics``: Prometheus text."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=403)
