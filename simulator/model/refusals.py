"""What OpenAI refuses before a model is asked, in its words and statuses."""

from __future__ import annotations

import hmac
from typing import Any

from simulator.model.scripts import known
from simulator.model.steps import Refusal

EMPTY = "Invalid '{}': empty array. Expected an array with minimum length 1, but got an empty array instead."
UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
)
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
NUMBERS = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}


def _missing(name: str) -> Refusal:
    return Refusal(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def _wrong(name: str, wanted: str, given: Any) -> Refusal:
    message = f"Invalid type for '{name}': expected {wanted}, but got {type(given).__name__} instead."
    return Refusal(400, message, param=name, code="invalid_type")


def refuse_key(header: str | None, key: str | None) -> Refusal | None:
    """Return the 401 for an Authorization `header` that does not carry `key`; `None` when no key is asked."""
    if not key:
        return None
    if not header or not header.startswith("Bearer "):
        return Refusal(401, "You didn't provide an API key.")
    given = header.removeprefix("Bearer ").strip()
    if hmac.compare_digest(given.encode(), key.encode()):
        return None
    return Refusal(401, "Incorrect API key provided.", code="invalid_api_key")


def _refuse_message(at: int, message: Any, open_calls: set[str]) -> Refusal | None:
    """Return what is wrong with one message; `open_calls` holds the tool calls that still lack a result."""
    where = f"messages[{at}]"
    if not isinstance(message, dict):
        return _wrong(where, "an object", message)
    role = message.get("role")
    if role is None:
        return _missing(f"{where}.role")
    if role not in ROLES:
        text = f"Invalid value: '{role}'. Supported values are: {', '.join(repr(name) for name in ROLES)}."
        return Refusal(400, text, param=f"{where}.role", code="invalid_value")
    if role == "tool":
        if message.get("tool_call_id") not in open_calls:
            text = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
            return Refusal(400, f"Invalid parameter: {text}", param=f"{where}.role")
        open_calls.discard(message["tool_call_id"])
    elif open_calls:
        return Refusal(400, UNANSWERED, param=where)
    content = message.get("content")
    if content is None and not (role == "assistant" and message.get("tool_calls")):
        return Refusal(
            400,
            f"Invalid value for 'content': expected a string, got null. ({where})",
            param=f"{where}.content",
        )
    if content is not None and not isinstance(content, str | list):
        return _wrong(f"{where}.content", "one of a string or array of objects", content)
    if role == "assistant":
        open_calls.update(call["id"] for call in message.get("tool_calls") or [])
    return None


def _refuse_tools(tools: Any) -> Refusal | None:
    if not isinstance(tools, list):
        return _wrong("tools", "an array of objects", tools)
    if not tools:
        return Refusal(400, EMPTY.format("tools"), param="tools", code="empty_array")
    for at, tool in enumerate(tools):
        if not isinstance(tool, dict) or tool.get("type") != "function":
            return _missing(f"tools[{at}].type")
        if not isinstance(tool.get("function"), dict) or not tool["function"].get("name"):
            return _missing(f"tools[{at}].function.name")
    return None


def _refuse_options(body: dict[str, Any]) -> Refusal | None:
    if not isinstance(body.get("stream", False), bool | None):
        return _wrong("stream", "a boolean", body["stream"])
    if body.get("stream_options") is not None and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return Refusal(400, text, param="stream_options")
    for name, (low, high) in NUMBERS.items():
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _wrong(name, "a decimal", value)
        if not low <= value <= high:
            text = f"Invalid '{name}': expected a value between {low:g} and {high:g}, but got {value} instead."
            return Refusal(400, text, param=name, code="decimal_out_of_range")
    return _refuse_tools(body["tools"]) if body.get("tools") is not None else None


def refuse(body: Any) -> Refusal | None:
    """Return why a chat completion's parsed `body` is refused, or `None` when a model may be asked."""
    if not isinstance(body, dict):
        return Refusal(400, "We could not parse the JSON body of your request.")
    model = body.get("model")
    if model is None:
        return Refusal(400, "you must provide a model parameter")
    if not isinstance(model, str):
        return _wrong("model", "a string", model)
    if not known(model):
        text = f"The model `{model}` does not exist or you do not have access to it."
        return Refusal(404, text, code="model_not_found")
    messages = body.get("messages")
    if messages is None:
        return _missing("messages")
    if not isinstance(messages, list):
        return _wrong("messages", "an array of objects", messages)
    if not messages:
        return Refusal(400, EMPTY.format("messages"), param="messages", code="empty_array")
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        wrong = _refuse_message(at, message, open_calls)
        if wrong:
            return wrong
    if open_calls:
        return Refusal(400, UNANSWERED, param="messages")
    return _refuse_options(body)
