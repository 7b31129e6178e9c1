"""Taking a message back, and answering a button (sheet 2.6, 3.1, 6.1)."""

from __future__ import annotations

from simulator.call import Call
from simulator.codes import Refusal
from simulator.streams_current import CurrentStream

WINDOW = 120.0  # seconds
PATIENCE = 5.0  # seconds a client's button waits for its acknowledgement


def recall_message(call: Call) -> None:
    """DELETE …/messages/{id}; raises 40061001 (unknown, or a stream's id), 40062003 (not here), 40064004 (too late)."""
    message_id = call.params["message_id"]
    if isinstance(call.bot.streams.get(message_id), CurrentStream):
        raise Refusal(40061001)  # sheet 4.2.2 r15
    sent = call.bot.sent.get(message_id)
    if sent is None:
        raise Refusal(40061001)
    scene, target, at = sent
    if (scene, target) != (call.scene, call.target):
        raise Refusal(40062003)
    if call.now - at > WINDOW:
        raise Refusal(40064004)
    bubble = call.bot.screens.find(scene, target, message_id)
    if bubble is not None and not call.hidden:
        bubble.state, bubble.kind, bubble.text, bubble.media = "recalled", "notice", "消息已撤回", None
        call.bot.screens.changed(scene, target, bubble)


def acknowledge_interaction(call: Call) -> None:
    """PUT /interactions/{id} `{"code": 0..5}`; raises 50035, or 12002 for one unknown, answered or given up on."""
    code = call.body.get("code")
    if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= 5:
        raise Refusal(50035)
    pushed = call.bot.interactions.pop(call.params["interaction_id"], None)
    if pushed is None or call.now - pushed > PATIENCE:
        raise Refusal(12002)
