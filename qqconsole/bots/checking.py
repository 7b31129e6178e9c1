"""``bot check``: ask the platform and the model whether this bot can work, and say what is wrong in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import openai

from adapter.client import QQClient
from adapter.codes import meaning
from adapter.errors import AdapterError, ApiRefused, ApiUnreachable, TokenRefused, TokenUnreachable
from qqconsole.bots.models import Bot
from qqconsole.bots.platform_client import new_client
from qqconsole.replies.failures import CONNECTION_ERRORS, from_opening
from qqconsole.replies.model_clients import close_clients, model_client, without_key

MODEL_PATIENCE = 15.0
"""Seconds the model has to list its models, or to say one token."""

MODEL_WORDS = {
    "model_unreachable": (
        "连不上模型服务器。请检查地址和网络。",
        "The model's server cannot be reached. Check address and network.",
    ),
    "model_key_refused": ("模型服务器不接受密钥。", "The model's server refuses the key."),
    "model_not_found": (
        "该地址没有模型接口，或没有这个模型。",
        "There is no model API at this address, or no such model.",
    ),
    "model_redirects": (
        "模型地址已经搬走；密钥不会跟着发过去。请填写新地址。",
        "The model's address has moved; the key is not sent after it. Enter the new address.",
    ),
    "model_busy": (
        "模型服务器说请求太多。请稍后再试。",
        "The model's server says there are too many requests. Try again later.",
    ),
    "model_refused": ("模型服务器拒绝了请求。", "The model's server refused the request."),
}
MODEL_FAILED = ("模型服务器出错。", "The model's server failed.")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``detail`` is for the engineer, secrets taken out."""

    part: str
    ok: bool
    zh: str
    en: str
    detail: str = ""


async def check_bot(bot: Bot) -> list[Finding]:
    """What was found, in the order asked. Sends nothing to any user; raises nothing."""
    findings = []
    client = new_client(bot)
    try:
        identity = await _identity(client)
        findings.append(identity)
        if identity.ok:
            findings.append(await _gateway(client))
    finally:
        await client.close()
    findings.append(await _model(bot))
    return findings


async def _identity(client: QQClient) -> Finding:
    try:
        me = await client.me()
    except AdapterError as error:
        return _refused("QQ", error)
    return Finding(
        "QQ",
        True,
        f"令牌有效。QQ 称这个机器人为 {me.name}（{me.id}）。",
        f"The token is good. QQ calls this bot {me.name} ({me.id}).",
    )


async def _gateway(client: QQClient) -> Finding:
    try:
        gateway = await client.gateway_url()
    except AdapterError as error:
        return _refused("gateway", error)
    if gateway.remaining == 0:
        minutes = round(gateway.reset_after / 60)
        return Finding(
            "gateway",
            False,
            f"今天的连接次数已用完，约 {minutes} 分钟后恢复。",
            f"No connection is left for today; about {minutes} minutes to go.",
        )
    left = "?" if gateway.remaining is None else str(gateway.remaining)
    return Finding(
        "gateway",
        True,
        f"网关可用，还可连接 {left} 次。",
        f"There is a gateway; {left} connections are left.",
        gateway.url,
    )


def _refused(part: str, error: AdapterError) -> Finding:
    zh, en = _words(error)
    trace = f", trace id {error.trace_id}" if error.trace_id else ""
    code = f"code {error.code}{trace}: " if error.code is not None else ""
    return Finding(part, False, zh, en, f"{code}{error}")


def _words(error: AdapterError) -> tuple[str, str]:
    if error.code:
        return meaning(error.code, "zh"), meaning(error.code, "en")
    if isinstance(error, TokenRefused):
        return "QQ 没有发放令牌。请检查 AppID 和密钥。", "QQ gave no token. Check AppID and secret."
    if isinstance(error, TokenUnreachable):
        return (
            "连不上令牌地址。请检查 --token-url 和网络。",
            "The token address cannot be reached. Check --token-url and the network.",
        )
    if isinstance(error, ApiUnreachable):
        return "连不上平台，或它没有给出可读的回答。请检查 --api-base 和网络。", (
            "The platform cannot be reached, or gave no readable answer. Check --api-base and the network."
        )
    if isinstance(error, ApiRefused):
        return "平台拒绝了请求。", "The platform refused the request."
    return "平台不能这样使用。", "The platform cannot be used like this."


async def _model(bot: Bot) -> Finding:
    if not bot.source_url or not bot.source_model:
        missing = "--source-url" if not bot.source_url else "--source-model"
        return Finding("model", False, f"还没有设置模型（{missing}）。", f"There is no model yet ({missing}).")
    try:
        asking = _Asking(model_client(bot.source_url, bot.source_key), bot.source_model, bool(bot.source_key))
        if bot.source_model not in await asking.names():
            await asking.for_one_token()
    except CONNECTION_ERRORS as error:
        failure = from_opening(error, key=bot.source_key)
        zh, en = MODEL_WORDS.get(failure.reason, MODEL_FAILED)
        return Finding("model", False, zh, en, failure.detail)
    finally:
        await close_clients()
    return Finding("model", True, f"模型 {bot.source_model} 可用。", f"The model {bot.source_model} is there.")


class _Asking:
    def __init__(self, client: openai.AsyncOpenAI, model: str, has_key: bool) -> None:
        self._client, self._model = client, model
        self._headers: Any = None if has_key else without_key()

    async def names(self) -> set[str]:
        """The models the server lists; none where it has no such list."""
        try:
            listed = await self._client.models.list(timeout=MODEL_PATIENCE, extra_headers=self._headers)
        except (openai.NotFoundError, openai.APIResponseValidationError):
            return set()
        return {model.id for model in listed.data or ()}

    async def for_one_token(self) -> None:
        """Not every server lists all it has, so the question decides. Raises what opening a stream may raise."""
        await self._client.chat.completions.create(
            model=self._model,
            messages=[{"role": "user", "content": "1"}],
            max_tokens=1,
            timeout=MODEL_PATIENCE,
            extra_headers=self._headers,
        )
