"""Why a model gave no (whole) answer, as code words; ``deliveries.reasons`` puts them into plain words.

==================  =====================================================================================
reason              meaning
==================  =====================================================================================
model_unreachable   no connection: refused, no such host, TLS, closed before any answer
model_key_refused   401, 403
model_not_found     404: no such model, or no model server at this address
model_redirects     3xx: the model server has moved; nothing is sent after it
model_busy          429
model_refused       any other 4xx: the request itself was not taken (too long, unpaid, …)
model_error         5xx, or an error object in the stream
model_silent        nothing was said for longer than the bot's time-out
model_cut           the stream ended in mid-sentence
model_garbled       the stream is not UTF-8, not JSON, or no stream at all
model_filtered      the model's own filter stopped the answer
model_endless       the answer grew past every length (``model_turn``) and was stopped
==================  =====================================================================================
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import httpx2
import openai

from adapter.pieces import SourceFailed
from adapter.redaction import redact
from adapter.storable import storable

MOST_DETAIL = 500
USUAL_PAUSE = 0.4
LONGEST_PAUSE = 3.0

CONNECTION_ERRORS = (
    openai.OpenAIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    aiohttp.http_exceptions.HttpProcessingError,
    OSError,
    EOFError,
    # A key or an address with characters that no header and no host name can hold.
    UnicodeError,
)
"""What opening or reading a stream may raise. The library's aiohttp transport lets some of aiohttp's own through."""


class ModelFailed(SourceFailed):
    """A failure of the model. ``pause`` is the seconds after which asking once more may help; None: it will not."""

    def __init__(self, reason: str, detail: str = "", *, pause: float | None = None) -> None:
        super().__init__(reason, detail)
        self.pause = pause


def from_opening(error: Exception, *, key: str) -> ModelFailed:
    """Return the failure for an exception that came before the stream had begun."""
    if isinstance(error, openai.APIStatusError):
        return _from_status(error, key)
    return ModelFailed("model_unreachable", tidy(_innermost(error), key), pause=USUAL_PAUSE)


def from_reading(error: Exception, *, key: str) -> ModelFailed:
    """Return the failure for an exception that came in the middle of the stream."""
    reason = "model_garbled" if isinstance(error, httpx2.DecodingError) else "model_cut"
    return ModelFailed(reason, tidy(_innermost(error), key))


def from_error_object(error: object, *, key: str) -> ModelFailed:
    """Return the failure for an ``error`` that came inside an HTTP 200."""
    code = error.get("code") if isinstance(error, dict) else None
    status = int(code) if isinstance(code, int | str) and str(code).isdecimal() else 500
    reason = _reason(status) if status in (401, 403, 429) else "model_error"
    return ModelFailed(reason, tidy(_message(error), key))


def tidy(detail: str, key: str) -> str:
    """Return the other side's words fit to be stored: no secret, no NUL, at most ``MOST_DETAIL`` characters."""
    if len(key) >= 4:
        detail = detail.replace(key, "***")
    detail = storable(redact(detail)).strip()
    return detail if len(detail) <= MOST_DETAIL else detail[: MOST_DETAIL - 1] + "…"


def _from_status(error: openai.APIStatusError, key: str) -> ModelFailed:
    status = error.status_code
    if 300 <= status < 400:
        return ModelFailed("model_redirects", tidy(f"HTTP {status}: {_moved_to(error.response)}", key))
    detail = tidy(f"HTTP {status}: {_message(error.body)}".rstrip(": "), key)
    passing = status in (408, 409, 429) or status >= 500
    return ModelFailed(_reason(status), detail, pause=_pause(error.response) if passing else None)


def _moved_to(response: httpx2.Response) -> str:
    """Return where a redirect points, without what a query or a user part may hold."""
    try:
        place = response.url.join(response.headers["location"]).copy_with(query=None, fragment=None, userinfo=b"")
    except (httpx2.InvalidURL, KeyError, ValueError):
        return "the address has moved, and the server does not say where"
    return f"the address has moved to {place}"


def _reason(status: int) -> str:
    named = {401: "model_key_refused", 403: "model_key_refused", 404: "model_not_found", 429: "model_busy"}
    if status in named:
        return named[status]
    return "model_error" if status >= 500 else "model_refused"


def _pause(response: httpx2.Response) -> float:
    """Return the seconds the server asks for, as far as a waiting user can be asked to bear them."""
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        return USUAL_PAUSE
    return min(max(asked, 0.0), LONGEST_PAUSE)


def _message(body: object) -> str:
    """Return the words of an error, however deep the server wrapped them."""
    if isinstance(body, dict):
        inner: Any = body.get("error") or body.get("message") or body.get("msg") or body.get("detail")
        return _message(inner) if inner else json.dumps(body, ensure_ascii=False)
    return body if isinstance(body, str) else "" if body is None else str(body)


def _innermost(error: BaseException) -> str:
    """Return the words of the error that began it: the library's own say only "Connection error."."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = str(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
