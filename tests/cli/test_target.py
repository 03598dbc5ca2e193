"""The address, and what its handshake carries."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import trustme
from websockets.sync.server import ServerConnection
from websockets.typing import Subprotocol

from tests.cli.peers import peer
from tests.cli.terminal import run


def test_the_handshake_carries_what_the_options_say() -> None:
    def describe(ws: ServerConnection) -> None:
        assert ws.request is not None
        names = ("X-One", "X-Two", "Origin", "Authorization", "Sec-WebSocket-Extensions")
        ws.send(json.dumps([ws.request.headers.get(name) for name in names] + [ws.subprotocol]))

    options = ["-H", "X-One: a: b", "-H", "X-Two:c", "-o", "https://here.example", "--auth", "me:secret"]
    with peer(describe, subprotocols=[Subprotocol("second")]) as url:
        result = run("connect", "-1", "--no-compress", *options, "-s", "first", "-s", "second", url)
    assert json.loads(result.stdout) == [
        "a: b",
        "c",
        "https://here.example",
        "Basic bWU6c2VjcmV0",
        None,
        "second",
    ]
    assert "subprotocol second" in result.stderr.decode()


def test_nothing_but_a_host_is_a_ws_url() -> None:
    with peer() as url:
        assert run("connect", "-1", url.removeprefix("ws://"), stdin=b"hi\n").stdout == b"hi\n"
        assert run("connect", "-1", url.replace("ws://", "http://"), stdin=b"hi\n").stdout == b"hi\n"


def test_a_unix_socket_is_connected_to(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with peer(path=path) as url:
        assert run("connect", "-1", "--unix", path, url, stdin=b"hi\n").stdout == b"hi\n"


def test_insecure_accepts_any_certificate(server_tls: ssl.SSLContext) -> None:
    with peer(ssl=server_tls) as url:
        assert run("connect", "-1", "-k", url, stdin=b"hi\n").stdout == b"hi\n"


def test_cacert_trusts_an_issuer(server_tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    with peer(ssl=server_tls) as url:
        assert run("connect", "-1", "--cacert", str(path), url, stdin=b"hi\n").stdout == b"hi\n"


def test_a_client_certificate_is_shown(authority: trustme.CA, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    path = tmp_path / "me.pem"
    authority.issue_cert("me@here.example").private_key_and_cert_chain_pem.write_to_path(path)
    with peer(ssl=context) as url:
        assert run("connect", "-1", "-k", "--cert", str(path), url, stdin=b"hi\n").stdout == b"hi\n"
