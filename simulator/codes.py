"""QQ's refusals: numeric code, HTTP status and the text on the wire (sheet 1.4, 4, 5.4, 6.1)."""

from typing import Any, NamedTuple


class Wire(NamedTuple):
    """How one code looks on the wire."""

    status: int
    text: str
    err_code: int | None = None


BUSY = "系统繁忙，请稍后重试"
TOO_OFTEN = "接口调用超过频率限制"
NOT_SUPPORTED = "不支持的调用"

WIRE: dict[int, Wire] = {
    # who is calling (sheet 1.4)
    11241: Wire(401, "token missing"),
    11242: Wire(401, "wrong bot token"),
    11243: Wire(401, "wrong bot token"),
    11244: Wire(401, "token not exist or expire"),
    11253: Wire(401, "应用无接口访问权限"),
    11254: Wire(401, "应用接口被封禁"),
    11262: Wire(401, "不支持使用机器人 Bot Token 调用"),
    11265: Wire(401, "机器人已被封禁"),
    11298: Wire(401, "接口访问源IP不在白名单", 40023002),
    # the body
    12002: Wire(400, "RequestInvalid"),
    22006: Wire(400, "msg_type and content mismatch"),
    50006: Wire(400, "empty message"),
    50035: Wire(400, "InvalidFormBody"),
    50037: Wire(400, "markdown may combine only with keyboard"),
    50056: Wire(400, "markdown not allowed"),
    50057: Wire(400, "native markdown and template are mutually exclusive"),
    50059: Wire(400, "input type wrong"),
    304003: Wire(400, "url not allowed"),
    304004: Wire(400, "ark not allowed"),
    304041: Wire(500, "reply message not allow markdown"),
    305007: Wire(400, "keyboard style parameter error"),
    340069: Wire(400, "msg_type invalid"),
    40034008: Wire(400, "markdown param empty"),
    40034009: Wire(400, "markdown param contains newline"),
    40034010: Wire(400, "markdown param contains markdown"),
    40034011: Wire(400, "无效 markdown content"),
    40034012: Wire(400, "不允许发送原生 markdown"),
    40034029: Wire(400, "keyboard rows or columns over limit"),
    40034090: Wire(400, "markdown not allowed"),
    40034127: Wire(400, "no template right"),
    # passive replies (sheet 3.4, 3.5)
    22009: Wire(400, "msg limit exceed"),
    304026: Wire(400, "wrong msg_id"),
    304027: Wire(400, "msg_id expired"),
    304103: Wire(400, "message id expired"),
    40034005: Wire(400, "回复消息msg_id已过期"),
    40034024: Wire(400, "请求参数msg_id无效或越权"),
    40034025: Wire(400, "请求参数event_id无效"),
    40034026: Wire(400, "event_id已过期"),
    40034027: Wire(400, "该事件不支持回复"),
    40034128: Wire(400, "被动回复时间或次数超限"),
    40054005: Wire(400, "消息被去重，请检查请求msgseq"),
    # proactive sends (sheet 3.6)
    304022: Wire(400, "push time not allowed"),
    304045: Wire(400, "push channel message reach limit"),
    304046: Wire(400, "push channel count reach limit"),
    304049: Wire(400, "push direct message reach limit"),
    304050: Wire(400, "push direct message total reach limit"),
    40034100: Wire(400, "主动消息频率超限"),
    40034102: Wire(400, "主动消息失败, 无权限"),
    40034105: Wire(400, "主动消息失败, 无权限"),
    40034122: Wire(400, "wake-up quota used"),
    40034123: Wire(400, "wake-up not supported"),
    # content
    304025: Wire(400, "content hit by moderation"),
    40034006: Wire(400, "消息内容违规"),
    40054007: Wire(400, "message too long"),
    40054010: Wire(400, "不允许发送url"),
    40054018: Wire(400, "message too long or abnormal"),
    # streaming (sheet 4)
    40006: Wire(404, "请求参数index需要递增"),
    40007: Wire(404, "已经提交的消息内容不可修改", 40113003),
    50001: Wire(500, "stream internal error"),
    50002: Wire(429, "stream rate limit"),
    50015001: Wire(500, "invalid request"),
    40034016: Wire(400, "流式消息msg_type与首个分片不一致"),
    40034017: Wire(400, "流式消息md分片需要\\n结束"),
    40034018: Wire(400, "流式消息已结束"),
    40034019: Wire(400, "流式消息引导已结束"),
    40034020: Wire(400, "同一流式消息超时，请缩短分片间隔"),
    40034021: Wire(400, "其它流式消息发送中"),
    40034022: Wire(400, "新的流式消息已开始，当前流式消息已结束"),
    40054014: Wire(400, "流式消息分片过长"),
    40054015: Wire(400, "流式消息分片过多"),
    # media (sheet 5.4)
    10000: Wire(400, "unsupported operation"),
    304080: Wire(400, "file_info invalid"),
    304082: Wire(400, "media upload failed"),
    304083: Wire(400, "media convert failed"),
    40034004: Wire(400, "富媒体信息转存失败"),
    40093001: Wire(400, "upload part failed, retry"),
    40093002: Wire(400, "daily upload capacity exhausted"),
    850012: Wire(500, "call inner proxy error"),
    850018: Wire(400, "muted"),
    850019: Wire(500, "不支持的文件格式"),
    850026: Wire(400, "富媒体文件下载失败", 40034001),
    850027: Wire(504, "timeout"),
    850031: Wire(400, "file too large"),
    # targets and state
    20028: Wire(429, "channel write rate limit"),
    304016: Wire(500, "send error"),
    304018: Wire(400, "bot not connected to gateway"),
    40034101: Wire(400, "bot not in group"),
    40054002: Wire(400, "bot muted"),
    40054003: Wire(400, "bot not in group"),
    40054004: Wire(400, "no friendship"),
    40054013: Wire(400, "user refuses messages"),
    40054016: Wire(400, "bot offline"),
    1100100: Wire(429, TOO_OFTEN),
    # review, answered with 202 and not with an error status (sheet 3.3)
    304023: Wire(202, "push message is waiting for audit now"),
    304024: Wire(202, "reply message is waiting for audit now"),
    # recall (sheet 3.1, 6.1)
    40061001: Wire(400, "message id invalid"),
    40062003: Wire(400, "no permission to recall"),
    40064004: Wire(400, "recall time exceeded"),
    # getAppAccessToken: always HTTP 200 (sheet 1.1)
    10004: Wire(200, "机器人不存在"),
    100001: Wire(200, "Too many requests"),
    100002: Wire(200, "internal error"),
    100007: Wire(200, "appid invalid"),
    100016: Wire(200, "invalid appid or secret"),
}


class Refusal(Exception):
    """QQ says no. `code` None stands for the answers whose code nobody has published (sheet 6.1, last row)."""

    def __init__(
        self,
        code: int | None,
        text: str | None = None,
        *,
        status: int | None = None,
        err_code: int | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        wire = WIRE.get(code, Wire(400, "request failed")) if code is not None else Wire(500, BUSY)
        self.code = code
        self.text = wire.text if text is None else text
        self.status = wire.status if status is None else status
        self.err_code = err_code or wire.err_code or code
        self.data = data
        super().__init__(f"{self.status}/{self.code} {self.text}")

    def body(self, trace_id: str) -> dict[str, Any]:
        """Return the JSON body: `message`, `code`, `err_code`, `trace_id`, and `data` if any (sheet 1.5)."""
        body: dict[str, Any] = {"message": self.text}
        if self.code is not None:
            body |= {"code": self.code, "err_code": self.err_code}
        body["trace_id"] = trace_id
        if self.data is not None:
            body["data"] = self.data
        return body
