"""The client where no connection comes about, or not one to be trusted."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from odd_platform import QUICK, Platform, reply

from adapter.answers import Refused, Unknown
from adapter.client import Credentials, QQClient
from adapter.request import Endpoint, Request

MESSAGE = Request("POST", "/v2/users/U1/messages", {"content": "你好", "msg_type": 0}, Endpoint.MESSAGE)
STREAM = Request("POST", "/v2/users/U1/stream_messages", {"content_raw": "x"}, Endpoint.STREAM)


async def test_a_broken_http_head_is_unknown(unused_tcp_port: int, platform: Platform) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", unused_tcp_port)
    credentials = Credentials(
        "app-1", "hush-hush", f"http://127.0.0.1:{unused_tcp_port}", platform.credentials.token_url
    )
    client = QQClient(credentials, timeouts=QUICK)
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Unknown)
    await client.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("base", ["http://127.0.0.1:{port}", "http://no-such-host.invalid"])
async def test_no_connection_is_certainly_not_taken(platform: Platform, unused_tcp_port: int, base: str) -> None:
    api = base.format(port=unused_tcp_port)
    client = QQClient(Credentials("app-1", "hush-hush", api, platform.credentials.token_url), timeouts=QUICK)
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert not answer.permanent
    assert answer.code is None
    assert "platform" in answer.exchange.message or "connection" in answer.exchange.message
    await client.close()


@pytest.mark.parametrize("base", ["nonsense", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
async def test_a_bad_address_is_refused_for_good(platform: Platform, base: str) -> None:
    client = QQClient(Credentials("app-1", "hush-hush", base, platform.credentials.token_url))
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert answer.permanent
    await client.close()


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    chain = folder / "chain.pem"
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    return context


async def test_tls_is_verified(platform: Platform, tmp_path: Path) -> None:
    reached = []

    async def anything(request: web.Request) -> web.Response:
        reached.append(request.path)
        return reply({"id": "m"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", anything)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self_signed(tmp_path)).start()
    base = f"https://127.0.0.1:{runner.addresses[0][1]}"
    for credentials in (
        Credentials("app-1", "hush-hush", base, platform.credentials.token_url),
        Credentials("app-1", "hush-hush", platform.url, f"{base}/token"),
    ):
        client = QQClient(credentials)
        answer = await client.send(MESSAGE)
        assert isinstance(answer, Refused)
        assert answer.permanent
        assert "certificate" in answer.exchange.message
        await client.close()
    assert reached == []
    assert platform.seen == []
    await runner.cleanup()
