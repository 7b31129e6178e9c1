"""Every error of the API has one shape: ``{"error": {"code": …, "message": …}}``."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from qqconsole.cursors import BadCursor
from qqconsole.deliveries import reasons as delivery_reasons
from qqconsole.deliveries.resend import ResendRefused
from qqconsole.deliveries.selecting import BadFilter
from qqconsole.deliveries.sending import SendRefused
from qqconsole.media import reasons as media_reasons
from qqconsole.media.reasons import MediaProblem

log = logging.getLogger(__name__)

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "invalid",
    500: "internal",
    503: "unavailable",
    507: "disk_full",
}
MEDIA_STATUS = {"too_large": 413, "storage": 503, "disk_full": 507}
"""Any other reason why a file is not taken is the file's own: 422."""
RESEND_STATUS = {"not_allowed": 403, "not_there": 404, "bad_key": 422}
"""Any other reason why a delivery is not sent again is how it stands: 409."""


def error_response(status: int, message: str, **more: Any) -> JsonResponse:
    """The one error document; ``more`` goes beside code and message."""
    body = {"error": {"code": CODES.get(status, "error"), "message": message, **more}}
    response = JsonResponse(body, status=status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="qqconsole"'
    return response


def not_found(request: HttpRequest, path: str = "") -> HttpResponse:
    """The answer for an address the API does not have."""
    return error_response(404, "There is nothing at this address.")


def register(api: NinjaAPI) -> None:
    """Give the API its error documents."""

    @api.exception_handler(HttpError)
    def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return error_response(error.status_code, str(error))

    @api.exception_handler(BadCursor)
    def _no_page(request: HttpRequest, error: BadCursor) -> HttpResponse:
        return error_response(400, "This cursor is not from a page of this list.")

    @api.exception_handler(Http404)
    def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return error_response(404, "There is no such row.")

    @api.exception_handler(MultiPartParserError)
    @api.exception_handler(SuspiciousOperation)
    def _no_form(request: HttpRequest, error: Exception) -> HttpResponse:
        return error_response(400, "The form cannot be read: broken, or with too many fields or files.")

    @api.exception_handler(RequestDataTooBig)
    def _large_form(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return error_response(413, "Too much besides the file.")

    @api.exception_handler(MediaProblem)
    def _not_taken(request: HttpRequest, error: MediaProblem) -> HttpResponse:
        status = MEDIA_STATUS.get(error.reason, 422)
        return error_response(status, media_reasons.in_words(error.reason), reason=error.reason, detail=error.detail)

    @api.exception_handler(SendRefused)
    def _not_queued(request: HttpRequest, error: SendRefused) -> HttpResponse:
        return error_response(422, delivery_reasons.in_words(error.reason), reason=error.reason, detail=error.detail)

    @api.exception_handler(ResendRefused)
    def _not_again(request: HttpRequest, error: ResendRefused) -> HttpResponse:
        status = RESEND_STATUS.get(error.reason, 409)
        return error_response(status, delivery_reasons.in_words(error.reason), reason=error.reason, detail=error.detail)

    @api.exception_handler(BadFilter)
    def _no_filter(request: HttpRequest, error: BadFilter) -> HttpResponse:
        return error_response(422, str(error), problems=[{"where": error.field, "what": str(error)}])

    @api.exception_handler(ValidationError)
    def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        problems = [
            {"where": ".".join(str(step) for step in problem["loc"]), "what": problem["msg"]}
            for problem in error.errors
        ]
        return error_response(422, "The request does not fit the schema.", problems=problems)

    @api.exception_handler(Exception)
    def _broken(request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("The API failed on %s %s", request.method, request.path, exc_info=error)
        return error_response(500, "The console failed at this; its log says more.")
