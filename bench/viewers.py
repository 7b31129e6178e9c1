"""Many operators at once: ``python -m bench.viewers URL TOKEN NUMBER`` follows the live socket that many times.

A line on standard input asks for the count: one JSON object with the frames and events each viewer got, and the gaps
that were left in any delivery's numbers, and when the first viewer heard of each accepted chunk, by QQ's trace id.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field

import aiohttp


@dataclass
class Viewer:
    """What one of them was told."""

    frames: int = 0
    events: int = 0
    seqs: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    accepted: dict[str, float] = field(default_factory=dict)
    """The moment on the monotonic clock."""

    @property
    def gaps(self) -> int:
        """Numbers that are missing between the first and the last one heard of each delivery."""
        return sum(max(seqs) - min(seqs) + 1 - len(seqs) for seqs in self.seqs.values())

    def take(self, text: str) -> None:
        heard = time.monotonic()
        frame = json.loads(text)
        if frame["type"] != "events":
            return
        self.frames += 1
        for event in frame["events"]:
            self.events += 1
            if event["type"] == "delivery":
                seq = event["seq"]
                self.seqs[event["delivery"]].update(range(event.get("since", seq - 1) + 1, seq + 1))
                for chunk in event["chunks"]:
                    if chunk["status"] == "accepted":
                        self.accepted.setdefault(chunk["trace_id"], heard)


async def _follow(http: aiohttp.ClientSession, url: str, viewer: Viewer, *, reads: bool) -> None:
    async with http.ws_connect(f"{url}/ws/live/", max_msg_size=0) as socket:
        async for message in socket:
            if reads:
                viewer.take(message.data)
            else:
                # Fifty times the same JSON would cost the machine more than the console does.
                viewer.frames += '"type":"events"' in message.data[:40]


async def main() -> None:
    """Follow until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("number", type=int)
    given = parser.parse_args()
    viewers = [Viewer() for _ in range(given.number)]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {given.token}"}) as http:
        tasks = [
            asyncio.create_task(_follow(http, given.url, viewer, reads=number == 0))
            for number, viewer in enumerate(viewers)
        ]
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            told = {
                "frames": [viewer.frames for viewer in viewers],
                "events": viewers[0].events,
                "gaps": viewers[0].gaps,
                "accepted": viewers[0].accepted,
                "gone": sum(task.done() for task in tasks),
            }
            print(json.dumps(told), flush=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
