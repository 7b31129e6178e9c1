// Every word of the page in both languages.

const WORDS = {
  zh: {
    title: "模拟手机", chats: "会话", bot: "机器人", newChat: "新会话", scene: "场景", targetHint: "openid", add: "打开",
    scene_c2c: "单聊", scene_group: "群聊", scene_guild: "频道", scene_dm: "频道私信", controls: "平台控制", close: "关闭",
    screen: "聊天记录", toEnd: "回到底部", write: "发消息…", send: "发送", language: "语言", theme: "深色 / 浅色",
    live: "实时", connecting: "正在连接…", lost: "连接断开，正在重连…", online: "在线", offline: "机器人未连接网关", typing: "对方正在输入…",
    emptyHint: "说点什么，看看回复怎样一段段到来。", robot: "机器人", recalled: "撤回了一条消息",
    rolled_back: "没有收到结束帧：平台已把消息回退到第一帧", finalised: "没有收到结束帧：平台代为收尾",
    faults: "故障", clearAll: "全部关闭", faultsHint: "打开一项，平台就会在选中的请求上这样出错。",
    endpoint: "接口", frame: "帧", often: "次数", when: "时机", whenUsual: "通常", whenBefore: "生效之前", whenAfter: "生效之后",
    any: "全部", endpoint_message: "消息", endpoint_media: "媒体消息", endpoint_stream: "流式消息", endpoint_files: "文件上传",
    endpoint_merge: "分片合并", endpoint_prepare: "分片准备", endpoint_part: "分片上传", endpoint_part_finish: "分片完成", endpoint_recall: "撤回", endpoint_interaction: "按钮回执",
    endpoint_me: "机器人信息", endpoint_gateway: "网关地址", endpoint_token: "取令牌",
    frame_opening: "首帧", frame_middle: "中间帧", frame_closing: "结束帧", frame_none: "非流式", always: "一直", times: "{n} 次", half: "一半概率", tenth: "一成概率", onlyNth: "只有第 {n} 次",
    fired: "已触发 {n}", codeHint: "错误码，如 40034105", answerCode: "返回此码", remove: "移除",
    gateway: "网关", sessions: "{n} 个在线", noSession: "无连接", time: "时间", timeHint: "把平台的时钟拨快：被动回复窗口、令牌和流都会随之到期。",
    timeShift: "已拨快 {t}", minutes: "+{n} 分钟", hours: "+{n} 小时", sending: "发送方式", repeat: "同一事件推送次数", bare: "省略可选字段",
    both: "同时以两种群事件推送", violations: "违规", violationsHint: "客户端做了不该做的事，会记在这里。", failed: "没有发出去：{why}",
    file: "文件", tooBig: "文件过大，未保留内容", attachments: "[附件]", picture: "[图片]", video: "[视频]", voice: "[语音]", you: "我",
    do_close: "断开 4009", do_op7: "要求重连", do_op9: "会话失效", do_invalid_json: "发坏 JSON", do_unknown_event: "未知事件",
    f_system_busy: "500 系统繁忙", f_throttled: "429 限流", f_reset: "连接被重置", f_hang: "已处理但不应答", f_slow: "应答很慢", f_html_413: "413 HTML 页面",
    f_html_502: "502 HTML 页面", f_no_message: "错误体没有 message", f_ok_with_code: "200 但带错误码", f_json_string: "应答是 JSON 字符串", f_json_null: "应答是 null",
    f_json_list: "应答是数组", f_audit_202: "202 待审核", f_audit_201: "201 待审核", f_undelivered: "200 但没送达", f_empty_body: "200 空应答体",
    f_wrong_content_type: "Content-Type 不对", f_charset: "Content-Type 带 charset", f_token_expired: "令牌失效 11244", f_ip_refused: "IP 不在白名单 11298",
  },
  en: {
    title: "Simulated phone", chats: "Chats", bot: "Bot", newChat: "New chat", scene: "Scene", targetHint: "openid", add: "Open",
    scene_c2c: "Direct", scene_group: "Group", scene_guild: "Guild", scene_dm: "Guild DM", controls: "Platform controls", close: "Close",
    screen: "Messages", toEnd: "To the newest", write: "Message…", send: "Send", language: "Language", theme: "Dark / light",
    live: "Live", connecting: "Connecting…", lost: "Connection lost, trying again…", online: "Online", offline: "Bot is not on the gateway", typing: "Typing…",
    emptyHint: "Say something and watch the reply arrive piece by piece.", robot: "BOT", recalled: "recalled a message",
    rolled_back: "No closing frame came: the platform went back to the first frame", finalised: "No closing frame came: closed by the platform",
    faults: "Faults", clearAll: "All off", faultsHint: "Switch one on and the platform fails this way on the chosen requests.",
    endpoint: "Endpoint", frame: "Frame", often: "How often", when: "When", whenUsual: "As usual", whenBefore: "Before it took effect", whenAfter: "After it took effect",
    any: "Any", endpoint_message: "Messages", endpoint_media: "Media messages", endpoint_stream: "Stream", endpoint_files: "Files",
    endpoint_merge: "Merge of parts", endpoint_prepare: "Prepare", endpoint_part: "Part", endpoint_part_finish: "Part finish", endpoint_recall: "Recall", endpoint_interaction: "Button ack",
    endpoint_me: "Bot info", endpoint_gateway: "Gateway URL", endpoint_token: "Token",
    frame_opening: "Opening", frame_middle: "Middle", frame_closing: "Closing", frame_none: "No stream", always: "Always", times: "{n}×", half: "Half of them", tenth: "One in ten", onlyNth: "Only number {n}",
    fired: "fired {n}", codeHint: "A code, e.g. 40034105", answerCode: "Answer it", remove: "Remove",
    gateway: "Gateway", sessions: "{n} connected", noSession: "nobody", time: "Time", timeHint: "Turn the platform's clock forward: reply windows, tokens and streams expire with it.",
    timeShift: "{t} ahead", minutes: "+{n} min", hours: "+{n} h", sending: "How to send", repeat: "Times the event is pushed", bare: "Leave optional fields out",
    both: "Push as both group events", violations: "Violations", violationsHint: "What a client must never do is noted here.", failed: "Not sent: {why}",
    file: "File", tooBig: "Too large, content not kept", attachments: "[Attachment]", picture: "[Picture]", video: "[Video]", voice: "[Voice]", you: "Me",
    do_close: "Close 4009", do_op7: "Ask to reconnect", do_op9: "Invalid session", do_invalid_json: "Broken JSON", do_unknown_event: "Unknown event",
    f_system_busy: "500 system busy", f_throttled: "429 rate limit", f_reset: "Connection reset", f_hang: "Done, but no answer", f_slow: "Slow answer", f_html_413: "413 HTML page",
    f_html_502: "502 HTML page", f_no_message: "Error without message", f_ok_with_code: "200 with an error code", f_json_string: "Answer is a JSON string", f_json_null: "Answer is null",
    f_json_list: "Answer is a list", f_audit_202: "202 in review", f_audit_201: "201 in review", f_undelivered: "200, not delivered", f_empty_body: "200, empty body",
    f_wrong_content_type: "Wrong Content-Type", f_charset: "Content-Type with charset", f_token_expired: "Token expired 11244", f_ip_refused: "IP not on the list 11298",
  },
};

const stored = localStorage.getItem("phone.language");
export let language = WORDS[stored] ? stored : navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";

export function t(key, values = {}) {
  const words = WORDS[language][key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const known = (key) => key in WORDS[language];

export function speak(chosen) {
  language = chosen;
  localStorage.setItem("phone.language", chosen);
}

export function translatePage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of document.querySelectorAll("[data-t-title]")) {
    node.title = t(node.dataset.tTitle);
    node.setAttribute("aria-label", node.title);
  }
}
