"""What a simulator is started with."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field

DEMO_APP_ID = "102000001"
DEMO_SECRET = "simulator-demo-secret"  # noqa: S105 - published on purpose: the demo bot of a local toy platform
DEMO_NAME = "演示机器人"


@dataclass(frozen=True, slots=True)
class BotAccount:
    """One registered bot: `APPID:SECRET[:NAME]` on the command line."""

    app_id: str
    secret: str
    name: str = DEMO_NAME
    verified: bool = True

    @classmethod
    def parse(cls, text: str) -> "BotAccount":
        """Return the account written as `APPID:SECRET[:NAME]`; raises ValueError."""
        app_id, _, rest = text.partition(":")
        secret, _, name = rest.partition(":")
        if not app_id or not secret:
            raise ValueError("a bot is written APPID:SECRET or APPID:SECRET:NAME")
        return cls(app_id, secret, name or f"机器人{app_id[-4:]}")


DEMO_BOT = BotAccount(DEMO_APP_ID, DEMO_SECRET)


@dataclass(frozen=True)
class Options:
    """Start options. Rates are requests in any one second, for each bot (sheet 3.1, 6.2)."""

    host: str = "127.0.0.1"
    port: int = 0
    bots: tuple[BotAccount, ...] = field(default=(DEMO_BOT,))
    stream_rate: int = 50
    message_rate: int = 100
    file_rate: int = 50
    part_rate: int = 10
    recall_rate: int = 10
    seed: int | None = None
    public_url: str | None = None
    journal_size: int = 10_000


def parse_arguments(arguments: Sequence[str] | None = None) -> Options:
    """Return the options on the command line; exits with a message when they make no sense."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A strict local QQ platform.")
    parser.add_argument("--host", default=Options.host)
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--bot", action="append", type=BotAccount.parse, metavar="APPID:SECRET[:NAME]")
    parser.add_argument("--stream-rate", type=int, default=Options.stream_rate, metavar="N")
    parser.add_argument("--message-rate", type=int, default=Options.message_rate, metavar="N")
    parser.add_argument("--file-rate", type=int, default=Options.file_rate, metavar="N")
    parser.add_argument("--part-rate", type=int, default=Options.part_rate, metavar="N", help="prepare, part_finish")
    parser.add_argument("--journal", type=int, default=Options.journal_size, metavar="N", help="requests remembered")
    parser.add_argument("--seed", type=int, help="makes faults with a probability repeatable")
    parser.add_argument("--public-url", help="how clients reach this server, when not by host and port")
    given = parser.parse_args(arguments)
    return Options(
        host=given.host,
        port=given.port,
        bots=tuple(given.bot) if given.bot else (DEMO_BOT,),
        stream_rate=given.stream_rate,
        message_rate=given.message_rate,
        file_rate=given.file_rate,
        part_rate=given.part_rate,
        seed=given.seed,
        journal_size=given.journal,
        public_url=given.public_url,
    )
