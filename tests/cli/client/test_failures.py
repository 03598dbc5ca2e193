"""What cannot be opened is one clear line."""

from __future__ import annotations

import ssl

from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from tests.cli.peers import answering, peer
from tests.cli.terminal import run


def failure(*arguments: str, stdin: bytes = b"") -> str:
    result = run("connect", *arguments, stdin=stdin)
    assert result.returncode == 1
    assert result.stdout == b""
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


def test_a_refused_connection_is_one_line(closed_port: int) -> None:
    assert f"connection refused by localhost:{closed_port}" in failure(f"ws://localhost:{closed_port}")


def test_a_refused_handshake_is_one_line_with_status_and_body() -> None:
    def refuse(ws: ServerConnection, _request: Request) -> Response:
        return ws.respond(403, "not you\nnor anyone else\n")

    with peer(process_request=refuse) as url:
        assert failure(url).endswith("answered 403 Forbidden: not you")


def test_a_body_cannot_command_the_terminal() -> None:
    def refuse(ws: ServerConnection, _request: Request) -> Response:
        return ws.respond(403, "\x1b[2Jgone\n")

    with peer(process_request=refuse) as url:
        assert failure(url).endswith("403 Forbidden: \\x1b[2Jgone")


def test_a_peer_that_speaks_no_http_is_one_line() -> None:
    with answering(b"220 mail.example ESMTP\r\n") as port:
        assert "did not open a WebSocket" in failure(f"ws://127.0.0.1:{port}")


def test_a_peer_that_says_nothing_is_one_line() -> None:
    with answering(None) as port:
        line = failure("--open-timeout", "0.3", f"ws://127.0.0.1:{port}")
    assert "did not answer within 0.3 s" in line


def test_a_certificate_nobody_trusts_is_one_line_with_a_hint(server_tls: ssl.SSLContext) -> None:
    with peer(ssl=server_tls) as url:
        line = failure(url)
    assert "not trusted" in line
    assert "--insecure" in line


def test_tls_to_a_server_without_it_is_one_line_with_a_hint() -> None:
    with peer() as url:
        assert "is it a ws:// server?" in failure(url.replace("ws://", "wss://"))
