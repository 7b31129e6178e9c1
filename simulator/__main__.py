"""python -m simulator --port N"""

import asyncio
import signal
from dataclasses import asdict

from simulator.options import parse_arguments
from simulator.server import Simulator


async def serve() -> None:
    """Run until SIGINT or SIGTERM."""
    options = parse_arguments()
    simulator = Simulator(**asdict(options) | {"bots": options.bots})
    stopped = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    async with simulator:
        print(f"QQ simulator: {simulator.url}  (phone: {simulator.url}/_sim/)", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(serve())
