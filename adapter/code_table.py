"""The table behind ``adapter.codes``: every code of the sheet (docs/protocol.md 1, 3, 4, 5.4, 6), as text.

An entry is two lines. The first: the numbers that share a meaning, our reaction, the meaning in Chinese; the
second, indented: the meaning in English. Each says what happened and what to do about it.
"""

TABLE = """
# Access token (sheet 1.1): HTTP 200 with a code and no token
100001 throttle 获取 access token 过于频繁。稍等片刻会自动再试。
    The access token was asked for too often. It is tried again after a pause.
100007 permanent AppID 无效，或机器人已被封禁、删除。请在开放平台核对 AppID。
    The app id is invalid, or the bot is banned or deleted. Check the app id on QQ's open platform.
100016 permanent AppID 或 AppSecret 不正确。请重新填写密钥。
    The app id or the secret is wrong. Enter the secret again.
10004 permanent 机器人（或频道）不存在。请核对 AppID 与目标。
    This bot (or guild) does not exist. Check the app id and the target.
100002 retry 获取 access token 时 QQ 内部出错。会自动再试。
    QQ had an internal error while issuing the access token. It is tried again.

# Authentication and permission of API calls (1.4, 6.1)
11241 retry 请求没有带 access token。会取新的 token 再发一次。
    The request carried no access token. It is sent once more with a fresh one.
11242,11243 retry access token 校验未通过。会取新的 token 再发一次；若一直如此，请核对 AppSecret。
    The access token was not accepted. It is sent again with a fresh one; should it persist, check the secret.
11244 retry access token 不存在或已过期。会取新的 token 再发一次。
    The access token does not exist or has expired. It is sent once more with a fresh one.
11251,11261,11275 permanent 请求中的 AppID 缺失或无法识别。请核对机器人的 AppID。
    The app id is missing or not recognised. Check the bot's app id.
11252,11263,11281 retry QQ 检查权限时系统出错。会自动再试。
    QQ failed while checking permissions. It is tried again.
11253 permanent 机器人没有调用此接口的权限。请在开放平台申请。
    The bot has no permission for this API. Apply for it on QQ's open platform.
11254 permanent 机器人调用此接口的权限已被封禁。请联系 QQ 开放平台。
    The bot is banned from this API. Contact QQ's open platform.
11262 permanent 接口不再接受旧式 Bot Token。请改用 AppID 与 AppSecret。
    The old Bot Token is no longer taken. Use app id and secret.
11264 permanent 频道没有授予机器人这项权限。请频道管理员授权。
    The guild has not granted the bot this permission. Ask its administrator to.
11265 permanent 机器人已被封禁。请到开放平台查看原因。
    The bot is banned. See QQ's open platform for the reason.
11282 permanent 此接口需要管理员权限。请频道管理员授权。
    This API needs administrator rights in the guild. Ask its administrator to grant them.
11298,40023002 permanent 本机的 IP 不在机器人的 IP 白名单里。请在开放平台加上后重试。
    This machine's IP address is not on the bot's list. Add it on QQ's open platform.

# The request itself (6.1)
10000 permanent QQ 不支持这个操作。
    QQ does not support this operation.
12001 permanent QQ 无法识别请求中的 id。请核对目标。
    QQ could not resolve an id in the request. Check the target.
12002 permanent QQ 认为请求体有误。请把 trace id 交给开发者。
    QQ calls the request invalid. Give the trace id to the developer.
12003 permanent QQ 自己的回包有误。请把 trace id 交给开发者。
    QQ calls its own response invalid. Give the trace id to the developer.
22006 markdown 消息类型与内容不符。改发纯文本。
    The message type and its content do not match. Plain text is sent instead.
50006 permanent 消息为空，没有发出。
    The message is empty and was not sent.
50035 permanent 请求的表单内容有误。请把 trace id 交给开发者。
    The form of the request is invalid. Give the trace id to the developer.
50037 permanent Markdown 只能和按钮一起发送，不能带其他内容。
    Markdown can be combined with buttons only.
50045 permanent 不能回复机器人自己发的消息。
    The bot cannot reply to its own message.
50046,50047 permanent 只能回复 @ 了机器人的消息。
    Only a message that mentions the bot can be replied to.
50048 permanent 要回复的消息 id 为空。
    The id of the message to reply to is empty.
50059 permanent “正在输入”的参数有误。
    The parameters of the typing notice are wrong.
340067 retry QQ 获取机器人信息失败。会自动再试。
    QQ could not load the bot's details. It is tried again.
340069 permanent 消息类型无效。
    The message type is invalid.
40034106,40034108,40034109 permanent 指令的类型、长度或格式有误。
    The command's type, length or form is wrong.
40030013,40030021 permanent 面板接口拒绝了请求。请核对面板的配置。
    The panel API refused the request. Check the panel's configuration.

# Rates (3.6, 6.1, 6.2)
20028 throttle 该子频道的消息过于频繁。稍后再发。
    Too many messages in this guild channel. It is sent later.
1100100 throttle QQ 的安全策略限制了发送频率。稍后再发。
    QQ's security rules limit the rate. It is sent later.
1100308 throttle 频道内的发送频率受限。稍后再发。
    The rate in this guild is limited. It is sent later.
610012,610013 throttle 权限接口调用过于频繁。稍后再试。
    The permission API was called too often. It is tried later.
40034100 throttle 主动消息过于频繁。稍后再发。
    Too many proactive messages. It is sent later.
22009 reference 超出消息次数上限（被动回复已用完，或主动消息配额不足）。等用户再发一条消息即可恢复。
    The quota of replies or of proactive messages is used up. The user's next message renews it.

# Streaming (4.1, 4.2)
40006 index 流式分片的 index 没有递增。会换更大的 index 再发。
    The chunk's index did not increase. It is sent again with a higher one.
40007,40113003 prefix 已经送达的文字不能修改，或这条流已结束。收尾后，其余内容另发一条。
    Text already delivered cannot change, or the stream is over. It is closed and the rest goes as a message.
50001 retry QQ 的流式接口内部出错。会自动再试。
    QQ's streaming had an internal error. It is tried again.
50002 throttle 流式分片发得太快。稍等再发。
    The chunks came too fast. It is sent after a pause.
50015001 permanent 流式的后续分片没有带 msg_id。请把 trace id 交给开发者。
    A later chunk of the stream carried no msg_id. Give the trace id to the developer.
40034016 permanent 同一条流里消息类型变了。请把 trace id 交给开发者。
    The message type changed inside one stream. Give the trace id to the developer.
40034017 newline 流式 Markdown 分片要以换行结束。补上换行再发一次。
    A streamed markdown chunk must end in a newline. It is sent once more with one.
40034018 stream_over 这条流已经结束，不能再追加。其余内容另发。
    This stream is already finished. The rest goes on its own.
40034019 stream_over 这条流的引导部分已经结束，不能再追加。
    The guide part of this stream is already finished.
40034020 stream_over 这条流的两次分片间隔太久，QQ 已将它终止。其余内容另发。
    The chunks of this stream came too far apart and QQ ended it. The rest goes on its own.
40034021 throttle 该用户还有另一条流式消息在发送。等它结束再发。
    Another stream to this user is still being sent. It waits for that one to end.
40034022 stream_over 有更新的流开始了，这条流已终止。其余内容另发。
    A newer stream was opened, so this one is over. The rest goes on its own.
40054014 length 流式分片太长。拆小后再发。
    The chunk of the stream is too long. It is split.
40054015 full 这条流的分片太多。收尾后另开一段。
    The stream has too many chunks. It is closed and a new segment is opened.

# Markdown, buttons, templates (3.2, 6.1)
40034008 markdown Markdown 的参数为空。改发纯文本。
    A markdown parameter is empty. Plain text is sent instead.
40034009 markdown Markdown 的参数里有换行。改发纯文本。
    A markdown parameter holds a newline. Plain text is sent instead.
40034010 markdown Markdown 的参数里还有 Markdown。改发纯文本。
    A markdown parameter holds markdown itself. Plain text is sent instead.
40034011,50055 markdown QQ 认为 Markdown 内容无效。改发纯文本。
    QQ calls the markdown invalid. Plain text is sent instead.
40034012,50056 markdown 这里不允许发送 Markdown。改发纯文本，并记住该目标。
    Markdown is not allowed here. Plain text is sent instead, and the target is remembered.
40034090 markdown QQ 拒绝了这段 Markdown。改发纯文本。
    QQ refused the markdown. Plain text is sent instead.
40034124 markdown Markdown 的参数有误。改发纯文本。
    A markdown parameter is wrong. Plain text is sent instead.
40034127 markdown 没有使用该 Markdown 模板的权限。改发纯文本。
    There is no permission for this markdown template. Plain text is sent instead.
50057 markdown 原生 Markdown 与模板只能二选一。改发纯文本。
    Native markdown and a template exclude each other. Plain text is sent instead.
304036 markdown 没有使用 Markdown 模板的权限。改发纯文本。
    There is no permission for markdown templates. Plain text is sent instead.
304041 markdown 带引用的回复不允许使用 Markdown。改发纯文本。
    A reply with a reference does not allow markdown. Plain text is sent instead.
304004 permanent 没有发送 ark 消息的权限。请在开放平台申请。
    The bot may not send ark messages. Apply for it on QQ's open platform.
304005 permanent embed 内容超出长度限制。请缩短。
    The embed is too long. Shorten it.
304014 permanent 没有使用该模板的权限。请在开放平台申请。
    The bot may not use this template. Apply for it on QQ's open platform.
304037,304038,304039,304040 permanent 按钮没有权限、不存在或格式有误。请核对按钮配置。
    The buttons are not permitted, do not exist or are malformed. Check them.
305007 permanent 按钮样式参数有误。请核对按钮配置。
    A button's style is wrong. Check the buttons.
40034029 permanent 按钮的行数或列数超限。请减少按钮。
    There are too many rows or columns of buttons. Use fewer.

# The message replied to (3.4, 3.5, 6.1)
40034005,304103,304027 reference 要回复的消息已过期。按机器人的设置改为主动发送，或标记为失败。
    The message replied to has expired. By the bot's setting it goes proactively or fails.
40034024 reference 要回复的消息 id 无效，或不属于这里。按机器人的设置改为主动发送，或标记为失败。
    The id replied to is invalid or belongs elsewhere. By the bot's setting it goes proactively or fails.
40034025 reference 要回复的事件 id 无效。按机器人的设置改为主动发送，或标记为失败。
    The event id replied to is invalid. By the bot's setting it goes proactively or fails.
40034026 reference 要回复的事件已过期。按机器人的设置改为主动发送，或标记为失败。
    The event replied to has expired. By the bot's setting it goes proactively or fails.
40034027 reference 这种事件不支持回复。按机器人的设置改为主动发送，或标记为失败。
    This kind of event cannot be replied to. By the bot's setting it goes proactively or fails.
40034128 reference 被动回复的时间或次数超限。按机器人的设置改为主动发送，或等用户再发一条消息。
    The time or number of replies is used up. By the bot's setting it goes proactively, or waits for the user.
304026,304028 reference 频道里要回复的消息 id 有误，或不允许回复。按机器人的设置改为主动发送，或标记为失败。
    The guild message replied to is wrong or protected. By the bot's setting it goes proactively or fails.
40054005 duplicate 这个 (msg_id, msg_seq) 已用过，QQ 去重了这条消息；之前那次可能已经送达。
    This (msg_id, msg_seq) is used and QQ dropped the repeat; the earlier try may have been delivered.

# Proactive messages (3.2, 3.6)
40034102,40034105 permanent 没有发送主动消息的权限，或对方关闭了主动消息。等对方先发消息。
    Proactive messages are not permitted or switched off by the other side. Wait for their message.
40034122 permanent 召回（唤醒）消息的次数已用完。
    The wake-up quota for this user is used up.
40034123 permanent 该用户不支持召回（唤醒）消息。
    Wake-up messages are not supported for this user.
304019 permanent @全体成员 的次数已用完。
    The quota for mentioning everyone is used up.
304022 permanent 当前时段不允许推送消息。
    Messages may not be pushed at this time of day.
304045,304047,304049,304050,304052 permanent 频道主动消息的配额已用完。明天再发。
    The guild's quota of proactive messages is used up. Send again tomorrow.
304046,304048 permanent 此频道不允许主动消息。请频道管理员开启。
    This guild does not allow proactive messages. Ask its administrator.
304051 permanent 消息设置引导的请求有误。
    The request for the message-setting guide is malformed.

# The content (3.2, 3.7, 6.1)
40054007,40054018 length 内容太长或异常。拆小后再发。
    The content is too long or abnormal. It is split.
40054010,304003 address 内容里的网址未在 QQ 登记，不允许发送。处理网址后再发一次。
    The text holds an address not registered with QQ. It is sent once more with addresses neutralised.
304025,40034006,1100101,3300006 moderated 内容未通过 QQ 的审核。请修改文字。
    The content was stopped by QQ's moderation. Change the text.
304061,304062,304064 permanent 内容或订阅按钮无效，或用户没有订阅。
    The content or the subscribe buttons are invalid, or the user has not subscribed.

# Human review (3.3): HTTP 201/202, pending, not failed
304023,304024 review QQ 已收下，正在等待人工审核。结果由审核事件告知。
    QQ took it and a person will review it. An audit event tells the outcome.

# The target (6.1)
40034101,40054003 target 机器人不在这个群里。请先把它加入群聊。
    The bot is not in this group. Add it to the group first.
40054002,850018 target 机器人在这里被禁言。解除禁言后再发。
    The bot is muted here. Send again once it is unmuted.
40054004 target 机器人和该用户不是好友关系。等用户添加机器人。
    The bot and this user are not friends. The user has to add the bot.
40054006 retry QQ 检查好友关系失败。会自动再试。
    QQ failed to check the friendship. It is tried again.
40054013 target 用户拒收机器人的消息。
    The user refuses the bot's messages.
40054016 permanent 机器人已下线。请在开放平台检查它的状态。
    The bot is offline. Check its state on QQ's open platform.
304018 retry 机器人没有连上网关。连上后会再发。
    The bot is not connected to the gateway. It is sent again once it is.
304031,304032,304033,304034 target 频道私信已关闭、不存在，或机器人不在其中。
    The guild's direct message is closed, missing, or the bot is not part of it.

# Temporary failures of sending (6.1)
304016 retry QQ 发送消息时出错。会自动再试。
    QQ failed to send the message. It is tried again.
50055001 retry QQ 发送群消息时暂时出错。会自动再试。
    QQ failed to send the group message for the moment. It is tried again.
50055002 retry QQ 发送单聊消息时暂时出错。会自动再试。
    QQ failed to send the direct message for the moment. It is tried again.
50055006 retry QQ 发送 ark 消息时暂时出错。会自动再试。
    QQ failed to send the ark message for the moment. It is tried again.

# Media (5.4, 6.1)
304010 retry QQ 转存图片出错。会自动再试。
    QQ failed to transfer the image. It is tried again.
304017 permanent 图片上传出错。请换一张图片，或稍后重发。
    The image could not be uploaded. Use another image or send it again later.
304020 permanent 文件大小超限。请压缩或换小一些的文件。
    The file is too large. Use a smaller one.
304021 permanent QQ 下载不到这个文件。请确认地址可公开访问。
    QQ could not fetch the file. Make sure its address is public.
304080 file_info file_info 无效：已过期，或属于别的场景。请重新上传。
    The file_info is invalid: expired, or of another scene. Upload the file again.
304082 permanent 媒体上传失败。请检查文件后重发。
    The media upload failed. Check the file and send it again.
304083 retry QQ 转换媒体失败。会自动再试。
    QQ failed to convert the media. It is tried again.
40034004 retry QQ 转存媒体失败。会自动再试。
    QQ failed to store the media. It is tried again.
850012 retry QQ 内部代理出错，常因内嵌的文件太大。会自动再试；再失败请改用地址或分片上传。
    QQ's inner proxy failed, often for a large inline file. It is tried again; else use an address or parts.
850019 permanent QQ 不支持这种文件格式，或分片合并有误。请换一种格式。
    QQ does not support this format, or the parts did not fit. Use another format.
850026,40034001 retry QQ 从这个地址下载媒体失败。会自动再试；仍失败请确认地址可公开访问，或改传文件本身。
    QQ could not download the media from its address. It is tried again; else upload the file itself.
850027 retry QQ 处理媒体超时。会自动再试。
    QQ timed out on the media. It is tried again.
850031 length 文件太大。请压缩或换小一些的文件。
    The file is too large. Use a smaller one.
40093001 retry 分片上传失败。会自动再试。
    A part of the upload failed. It is tried again.
40093002 capacity 今天的上传容量已用完。明天再传。
    Today's upload capacity is used up. Upload again tomorrow.

# Recall (4.2.2 r15, 6.1)
306001,306002,306007,306008,306009,306010,306011 permanent 撤回失败：参数、消息 id 或权限有误。
    The recall failed: parameters, message id or permission are wrong.
306003,306005,306006,50065001 retry 撤回时 QQ 暂时出错。会自动再试。
    QQ failed to recall the message for the moment. It is tried again.
306004 permanent 没有撤回这条消息的权限。
    The bot may not recall this message.
40061001,40061002 permanent 撤回失败：消息 id 有误，或这是一条流式消息（不能撤回）。
    The recall failed: the id is wrong, or it is a streamed message, which cannot be recalled.
40062003 permanent 没有权限撤回这条消息。
    The bot has no permission to recall this message.
40064004 permanent 超过两分钟，不能再撤回。
    More than two minutes have passed; the message can no longer be recalled.
"""
