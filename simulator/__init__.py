"""A strict local QQ platform, for demo, development and tests; knows neither the adapter nor the console."""

from simulator.clock import Clock
from simulator.options import DEMO_APP_ID, DEMO_NAME, DEMO_SECRET, BotAccount
from simulator.server import Simulator
from simulator.switches import Switches

__all__ = ["DEMO_APP_ID", "DEMO_NAME", "DEMO_SECRET", "BotAccount", "Clock", "Simulator", "Switches"]
