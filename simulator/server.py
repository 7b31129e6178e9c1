"""The simulator as one thing: start it, speak to it, look at the screens."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from simulator import inbound
from simulator.clock import Clock
from simulator.control import Control
from simulator.exchange import Exchange
from simulator.faults import Faults
from simulator.files import post_file
from simulator.gateway import Gateway
from simulator.guild import create_dm, post_guild_message
from simulator.identity import by_secret, get_app_access_token, get_me
from simulator.messages import post_message
from simulator.model import add_model_routes
from simulator.model.answers import KEPT
from simulator.options import BotAccount, Options
from simulator.phone import add_phone_routes
from simulator.platform import Platform
from simulator.recall import acknowledge_interaction, recall_message
from simulator.samples import add_sample_routes
from simulator.streams_current import post_stream_message
from simulator.switches import Switches
from simulator.uploads import by_upload, put_part, upload_part_finish, upload_prepare
from simulator.visitors import own_visitors_only

BODY_LIMIT = 256 * 1024 * 1024  # bytes; what QQ refuses before that, the exchange refuses


class Simulator:
    """A local QQ platform. `async with Simulator() as sim` listens on `sim.url`; port 0 picks a free port.

    Keyword arguments are the fields of `Options`; a bot is a `BotAccount` or "APPID:SECRET[:NAME]".
    """

    def __init__(
        self,
        *,
        bots: Iterable[BotAccount | str] | None = None,
        clock: Clock | None = None,
        switches: Switches | None = None,
        **options: Any,
    ) -> None:
        if bots is not None:
            options["bots"] = tuple(BotAccount.parse(bot) if isinstance(bot, str) else bot for bot in bots)
        self.platform = Platform(Options(**options), clock or Clock(), switches or Switches())
        self._exchange = Exchange(self.platform)
        self._gateway = Gateway(self.platform)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The API's base address; the token address is `url + "/app/getAppAccessToken"`."""
        return self.platform.url

    @property
    def clock(self) -> Clock:
        return self.platform.clock

    @property
    def switches(self) -> Switches:
        return self.platform.switches

    @property
    def faults(self) -> Faults:
        return self.platform.faults

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        runner = web.AppRunner(self._app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        options = self.platform.options
        # 200 bots or streams may connect in the same moment.
        site = web.TCPSite(runner, options.host, options.port, backlog=1024)
        await site.start()
        self._runner = runner
        port = runner.addresses[0][1]
        if not options.public_url:
            self.platform.url = f"http://{options.host}:{port}"

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        self._exchange.close()
        await self._gateway.close()
        self.platform.clock.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.platform.part_files.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def say(self, app_id: str, target: str, text: str, **details: Any) -> str:
        """A user (or a group member, with scene="group") writes to the bot; return the msg_id. See `inbound.say`."""
        return inbound.say(self.platform.bot(app_id), target, text, **details)

    async def happen(self, app_id: str, kind: str, target: str, scene: str = "c2c", **details: Any) -> dict[str, Any]:
        """Something other than a message happens; return `{"event_id", "d"}`. See `inbound.happen`."""
        return inbound.happen(self.platform.bot(app_id), kind, scene, target, **details)

    def screen(self, app_id: str, scene: str, target: str) -> list[dict[str, Any]]:
        """Return the bubbles that user (or group, or channel) sees now, oldest first."""
        return self.platform.bot(app_id).screens.bubbles(scene, target)

    def requests(self, since: int = 0, path: str | None = None) -> list[dict[str, Any]]:
        """Return what arrived after request number `since`, oldest first."""
        return self.platform.journal.requests(since, path)

    def violations(self) -> list[dict[str, Any]]:
        """Return the must-not rules broken so far (sheet 8.12)."""
        return self.platform.journal.violations()

    def _app(self) -> web.Application:
        options = self.platform.options
        visitors = own_visitors_only(options.host, options.public_url)
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[visitors])
        # A journal made longer is of a run with many answers, each of which takes some requests.
        add_model_routes(app, kept=max(KEPT, options.journal_size // 10))
        add_phone_routes(app)
        add_sample_routes(app)
        Control(self.platform).add_routes(app)
        self._add_qq_routes(app)
        return app

    def _add_qq_routes(self, app: web.Application) -> None:
        to, route, gateway = self._exchange.handler, app.router.add_route, self._gateway
        route("POST", "/app/getAppAccessToken", to(get_app_access_token, "token", caller=by_secret))
        route("GET", "/users/@me", to(get_me, "me"))
        route("GET", "/gateway", to(gateway.get_gateway, "gateway"))
        route("GET", "/gateway/bot", to(gateway.get_gateway_bot, "gateway"))
        app.router.add_get("/websocket", gateway.handle)
        for kind, scene in (("users", "c2c"), ("groups", "group")):
            at = f"/v2/{kind}/{{target}}"
            route("POST", f"{at}/messages", to(post_message, "message", scene=scene))
            route("POST", f"{at}/files", to(post_file, "files", scene=scene))
            route("POST", f"{at}/upload_prepare", to(upload_prepare, "prepare", scene=scene))
            route("POST", f"{at}/upload_part_finish", to(upload_part_finish, "part_finish", scene=scene))
            route("DELETE", f"{at}/messages/{{message_id}}", to(recall_message, "recall", scene=scene))
        route("POST", "/v2/users/{target}/stream_messages", to(post_stream_message, "stream", scene="c2c"))
        for kind, scene in (("channels", "guild"), ("dms", "dm")):
            at = f"/{kind}/{{target}}/messages"
            route("POST", at, to(post_guild_message, "message", scene=scene))
            route("DELETE", f"{at}/{{message_id}}", to(recall_message, "recall", scene=scene))
        route("POST", "/users/@me/dms", to(create_dm, "dms"))
        route("PUT", "/interactions/{interaction_id}", to(acknowledge_interaction, "interaction"))
        route("PUT", "/cos/{app_id}/{upload}/{index}", to(put_part, "part", caller=by_upload))
        route("*", "/{tail:.*}", self._exchange.unknown)
