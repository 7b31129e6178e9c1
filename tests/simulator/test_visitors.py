"""The platform asks for no password, so pages of other origins, and names that only point here, get nothing."""

from __future__ import annotations

import aiohttp
import pytest

from simulator import Simulator


async def _status(http: aiohttp.ClientSession, sim: Simulator, method: str, path: str, **headers: str) -> int:
    body = b'{"target": "U1", "text": "hi"}' if method == "POST" else None
    async with http.request(
        method, sim.url + path, data=body, headers={"Content-Type": "text/plain"} | headers
    ) as answer:
        return answer.status


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:1", "null", "http://[", ""])
async def test_a_page_of_another_origin_is_turned_away(
    sim: Simulator, http: aiohttp.ClientSession, origin: str
) -> None:
    assert await _status(http, sim, "POST", "/_sim/say", Origin=origin) == 403
    assert await _status(http, sim, "POST", "/app/getAppAccessToken", Origin=origin) == 403
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"{sim.url}/_sim/watch", origin=origin)
    assert refused.value.status == 403
    assert sim.requests() == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "[", "a.b"])
async def test_a_name_that_only_points_here_is_turned_away(
    sim: Simulator, http: aiohttp.ClientSession, host: str
) -> None:
    assert await _status(http, sim, "GET", "/_sim/state", Host=host) == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "simulator:9000", "10.1.2.3", "[::1]:80", "x.localhost"])
async def test_own_names_and_addresses_are_let_in(sim: Simulator, http: aiohttp.ClientSession, host: str) -> None:
    assert await _status(http, sim, "GET", "/_sim/state", Host=host) == 200
    assert await _status(http, sim, "POST", "/_sim/say", Host=host, Origin=f"http://{host}") == 200


async def test_the_public_address_is_a_name_of_its_own(http: aiohttp.ClientSession) -> None:
    async with Simulator(public_url="https://qq.example.org") as sim:
        sim.platform.url, public = f"http://127.0.0.1:{sim._runner.addresses[0][1]}", sim.url  # type: ignore[union-attr]
        assert public == "https://qq.example.org"
        assert await _status(http, sim, "GET", "/_sim/state", Host="qq.example.org") == 200
        origin = {"Host": "127.0.0.1:80", "Origin": "https://qq.example.org"}
        assert await _status(http, sim, "POST", "/_sim/say", **origin) == 200
