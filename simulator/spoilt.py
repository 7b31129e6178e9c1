"""What each fault's answer looks like on the wire (sheet 8.10)."""

from __future__ import annotations

import json
import uuid

from simulator.call import Answer, Call
from simulator.codes import BUSY, TOO_OFTEN, Refusal
from simulator.faults import FaultRule

HTML_413 = b"<html><body><center><h1>413 Request Entity Too Large</h1></center><hr><center>stgw</center></body></html>"
HTML_502 = b"<html><body><center><h1>502 Bad Gateway</h1></center><hr><center>stgw</center></body></html>"


def spoilt_answer(rule: FaultRule, call: Call, answer: Answer | None, trace_id: str) -> Answer | None:
    """Return the answer this rule dictates, None for the true one. `answer` is None before the request took effect."""
    true_body = {} if answer is None else answer.body
    match rule.fault:
        case "token_expired":
            call.platform.tokens.revoke(call.bot.app_id)
            raise Refusal(11244)
        case "ip_refused":
            raise Refusal(11298)
        case "system_busy":
            raise Refusal(rule.code, rule.text or BUSY, status=rule.status or 500)
        case "throttled":
            stream = call.endpoints[0] == "stream"
            code = rule.code or (50002 if stream else 1100100)
            raise Refusal(code, rule.text or TOO_OFTEN, status=429)
        case "code":
            raise Refusal(rule.code, rule.text, status=rule.status)
        case "html_413":
            return Answer(413, HTML_413, "text/html")
        case "html_502":
            return Answer(502, HTML_502, "text/html")
        case "no_message":
            code = rule.code or 304016
            return Answer(rule.status or 400, {"code": code, "err_code": code, "trace_id": trace_id})
        case "ok_with_code":
            refusal = Refusal(rule.code or 304016, rule.text)
            return Answer(200, refusal.body(trace_id))
        case "json_string":
            return Answer(200, b'"ok"')
        case "json_null":
            return Answer(200, b"null")
        case "json_list":
            return Answer(200, b"[]")
        case "empty_body":
            return Answer(200, b"")
        case "wrong_content_type":
            return Answer(200, json.dumps(true_body, ensure_ascii=False).encode(), "text/plain")
        case "charset":
            return Answer(200, json.dumps(true_body, ensure_ascii=False).encode(), "application/json; charset=utf-8")
        case "audit_202" | "audit_201":
            return _under_review(rule, call, answer, trace_id)
        case _:
            return None


def _under_review(rule: FaultRule, call: Call, answer: Answer | None, trace_id: str) -> Answer:
    """Accepted, not delivered: waiting for a human (sheet 3.3). The audit's outcome is pushed when it is decided."""
    body = answer.body if answer is not None and isinstance(answer.body, dict) else {}
    audit_id = uuid.uuid4().hex
    reply = bool(call.body.get("msg_id") or call.body.get("event_id"))
    refusal = Refusal(
        rule.code or (304024 if reply else 304023),
        rule.text,
        data={"message_audit": {"audit_id": audit_id}},
    )
    if body.get("id"):
        held = call.bot.screens.find(call.scene or "", call.target, str(body["id"]))
        if held is not None:
            call.bot.audits[audit_id] = (call.scene or "", call.target, held)
    return Answer(201 if rule.fault == "audit_201" else 202, refusal.body(trace_id))
