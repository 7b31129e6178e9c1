"""What can be done to gateway connections by hand (sheet 2.4, 2.5)."""

from __future__ import annotations

from typing import Any

from simulator.bots import Bot
from simulator.gateway import push
from simulator.gateway_session import INVALID, RECONNECT, Connection
from simulator.platform import Platform

COMMANDS = (
    "close",
    "cut",
    "op7",
    "op9",
    "mute",
    "unmute",
    "invalid_json",
    "unknown_event",
    "raw",
    "forget_sessions",
    "refuse_resume",
)


def command_gateway(platform: Platform, bot: Bot, command: dict[str, Any]) -> int:
    """Do `command["do"]` to every connection of the bot; return how many there were. Raises ValueError.

    close {code, reason} · cut · op7 · op9 {resumable} · mute (send nothing, not even ACKs) · unmute · invalid_json ·
    unknown_event · raw {frame} · forget_sessions · refuse_resume {count, mode: op9|4006|4902|close_after_resumed}.
    """
    do = command.get("do")
    if do not in COMMANDS:
        raise ValueError(f"do: one of {', '.join(COMMANDS)}")
    if do == "refuse_resume":
        changes = {"refuse_resume": command.get("count", 1), "resume_refusal": command.get("mode", "op9")}
        platform.switches.patch(changes)
    if do == "unknown_event":
        push(bot, "SOMETHING_QQ_ADDED_LATER", {"id": "1", "news": True}, "SOMETHING_QQ_ADDED_LATER:1")
    connections = [each.connection for each in bot.sessions.values() if each.connection is not None]
    for connection in connections:
        _command(connection, do, command)
    if do == "forget_sessions":
        bot.sessions = {id_: each for id_, each in bot.sessions.items() if each.connection is not None}
    return len(connections)


def _command(connection: Connection, do: str, command: dict[str, Any]) -> None:
    match do:
        case "close":
            connection.close(int(command.get("code", 4009)), str(command.get("reason", "")))
        case "cut":
            connection.close(None)
        case "op7":
            connection.send({"op": RECONNECT, "d": None})
        case "op9":
            connection.send({"op": INVALID, "d": bool(command.get("resumable", False))})
        case "mute":
            connection.muted = True
        case "unmute":
            connection.muted = False
        case "invalid_json":
            connection.send_text('{"op": 0, "s": 1, "t": ')
        case "raw":
            connection.send(command["frame"])
