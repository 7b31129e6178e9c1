"""The models that call tools: `demo` where a file suits, `tool` and its kin always, and three that misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from simulator.model.ask import Ask
from simulator.model.pieces import paced
from simulator.model.steps import Script, Step, ToolCall
from simulator.model.topics import language_of, topic_for
from simulator.samples import PATH

SEND_MEDIA = "send_media"
# what a script can send, by its word: the path and the kind
MEDIA: dict[str, tuple[str, str]] = {
    "picture": ("/_sim/pictures/demo.png", "image"),
    "photo": (f"{PATH}photo-3mb.png", "image"),
    "video": (f"{PATH}video-25mb.mp4", "video"),
    "film": (f"{PATH}video-60mb.mp4", "video"),  # more than QQ plays: it arrives as a file (sheet 5.2)
    "voice": (f"{PATH}voice.mp3", "voice"),
    "wav": (f"{PATH}voice.wav", "voice"),
    "file": (f"{PATH}{quote('季度报告.pdf')}", "file"),
}
BEFORE = "稍等，我先去找一张合适的图，马上发给你。"
AFTER = "图片已经在上面了。山的颜色一层比一层淡，是傍晚才有的样子。"
ANY_BEFORE, ANY_AFTER = "稍等，我去找一下，马上发给你。", "已经发在上面了，还需要别的就告诉我。"
FAILED = {
    "zh": "（这次没能发出去，先看文字吧。）\n\n",
    "en": "(It could not be sent, so words only.)\n\n",
}


def _fill(name: str, schema: dict[str, Any], ask: Ask, word: str, caption: str) -> Any:
    """Return a value for one parameter of an offered tool, from its name and JSON schema."""
    path, kind = MEDIA[word]
    choices = schema.get("enum")
    if choices:
        return kind if kind in choices else choices[0]
    known = {"url": ask.origin + path, "kind": kind, "caption": caption}
    if name in known:
        return known[name]
    return {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}.get(schema.get("type", ""), caption)


def _arguments(ask: Ask, name: str, word: str, caption: str) -> tuple[str, ...]:
    """Return the call's JSON arguments, cut into the deltas they arrive in."""
    fields = ask.tools.get(name, {}).get("parameters", {}).get("properties", {}) or {
        "url": {},
        "kind": {},
        "caption": {},
    }
    text = json.dumps(
        {key: _fill(key, schema, ask, word, caption) for key, schema in fields.items()}, ensure_ascii=False
    )
    rng = ask.rng("arguments")
    parts: list[str] = []
    while text:
        size = rng.randint(3, 14)
        parts.append(text[:size])
        text = text[size:]
    return tuple(parts)


def _call(ask: Ask, name: str, caption: str, word: str = "picture") -> ToolCall:
    return ToolCall(name, _arguments(ask, name, word, caption), pause=0.08)


def media_call(ask: Ask, word: str) -> ToolCall:
    """Return a call of `send_media` with the file of that word, without a caption."""
    return _call(ask, SEND_MEDIA, "", word)


def _failed(result: str) -> bool:
    lowered = result.lower()
    return any(word in lowered for word in ("error", "fail", "refused", "失败", "错误"))


def demo(ask: Ask) -> Script:
    """An answer about the user's topic, with files in the middle where `send_media` is offered."""
    topic = topic_for(ask.text)
    rate = ask.rate(25)
    if SEND_MEDIA not in ask.tools or not topic.media:
        parts = filter(None, topic.parts[min(ask.turn, len(topic.parts) - 1) :])
        return Script("demo", paced("\n\n".join(parts), ask.rng(), rate))
    at = min(ask.turn, len(topic.parts) - 1)
    calls = at < len(topic.media)

    def steps() -> Iterator[Step]:
        if ask.turn and _failed(ask.tool_result):
            yield from paced(FAILED[language_of(ask.text)], ask.rng("failed"), rate)
        yield from paced(topic.parts[at], ask.rng(), rate)
        if calls:
            word, caption = topic.media[at]
            yield _call(ask, SEND_MEDIA, caption, word)

    return Script("demo", steps(), finish="tool_calls" if calls else "stop")


def tool(ask: Ask) -> Script:
    """Text, a call of `send_media` (or the first offered tool), and after its result more text."""
    if ask.turn or not ask.tools:
        failed = FAILED[language_of(ask.text)] if _failed(ask.tool_result) else ""
        text = failed + AFTER if ask.turn else BEFORE + "\n\n" + AFTER
        return Script("tool", paced(text, ask.rng(), ask.rate(25)))
    name = SEND_MEDIA if SEND_MEDIA in ask.tools else next(iter(ask.tools))
    return Script("tool", (*paced(BEFORE, ask.rng(), ask.rate(25)), _call(ask, name, "晚霞")), finish="tool_calls")


def tool_with(word: str) -> Callable[[Ask], Script]:
    """Return the model that writes, calls `send_media` with the file of that word, and writes on."""

    def script(ask: Ask) -> Script:
        if ask.turn or SEND_MEDIA not in ask.tools:
            failed = FAILED["zh"] if _failed(ask.tool_result) else ""
            return Script(f"tool-{word}", paced(failed + ANY_AFTER, ask.rng(), ask.rate(25)))
        call = media_call(ask, word)
        return Script(f"tool-{word}", (*paced(ANY_BEFORE, ask.rng(), ask.rate(25)), call), finish="tool_calls")

    script.__doc__ = f"Text, a call of `send_media` with {MEDIA[word][0]}, and after its result more text."
    return script


def tool_bad(ask: Ask) -> Script:
    """A call whose arguments are not JSON."""
    if ask.turn:
        return Script("tool-bad", paced(AFTER, ask.rng(), ask.rate(25)))
    call = ToolCall(SEND_MEDIA, ('{"url": "http', "://", '", "kind'), pause=0.08)
    return Script("tool-bad", (*paced(BEFORE, ask.rng(), ask.rate(25)), call), finish="tool_calls")


def tool_loop(ask: Ask) -> Script:
    """A model that calls the tool again after every result, for ever."""
    said = f"第 {ask.turn + 1} 张图，这就来。"
    call = _call(ask, SEND_MEDIA, f"第 {ask.turn + 1} 张")
    return Script("tool-loop", (*paced(said, ask.rng(), ask.rate(25)), call), finish="tool_calls")


def tool_unasked(ask: Ask) -> Script:
    """A call of a tool that nobody offered."""
    if ask.turn:
        return Script("tool-unasked", paced(AFTER, ask.rng(), ask.rate(25)))
    call = ToolCall("launch_rocket", ('{"to": ', '"moon"}'), pause=0.08)
    return Script("tool-unasked", (*paced(BEFORE, ask.rng(), ask.rate(25)), call), finish="tool_calls")
