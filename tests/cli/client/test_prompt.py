"""`openline connect` in a terminal: the prompt and its commands."""

from __future__ import annotations

from pathlib import Path

from websockets.sync.server import ServerConnection

from tests.cli.peers import peer
from tests.cli.terminal import Terminal

ENTER, CTRL_C, CTRL_D, UP = "\r", "\x03", "\x04", "\x1b[A"


def describe(ws: ServerConnection) -> None:
    for message in ws:
        ws.send(f"got {message!r}")


def test_what_is_typed_is_sent_and_what_comes_is_shown(tmp_path: Path) -> None:
    with peer(describe) as url, Terminal("connect", url, home=tmp_path) as terminal:
        terminal.expect(f"connected to {url}")
        terminal.expect(">")
        terminal.type("hello" + ENTER)
        terminal.expect("< got 'hello'")
        terminal.type("//slash" + ENTER)
        terminal.expect("< got '/slash'")
        terminal.type(CTRL_D)
        terminal.expect(r"closed: 1000 \(OK\)")
        assert terminal.end() == 0


def test_ctrl_c_closes_as_ctrl_d_does(tmp_path: Path) -> None:
    with peer(describe) as url, Terminal("connect", url, home=tmp_path) as terminal:
        terminal.expect(">")
        terminal.type(CTRL_C)
        terminal.expect(r"closed: 1000 \(OK\)")
        assert terminal.end() == 0


def test_the_commands_do_what_help_says(tmp_path: Path) -> None:
    seen: list[tuple[int | None, str | None]] = []

    def remember_end(ws: ServerConnection) -> None:
        try:
            describe(ws)
        finally:
            seen.append((ws.close_code, ws.close_reason))

    with peer(remember_end) as url, Terminal("connect", url, home=tmp_path) as terminal:
        terminal.expect(">")
        terminal.type("/help" + ENTER)
        terminal.expect(r"/ping\s+measure the round trip")
        terminal.type("/ping" + ENTER)
        terminal.expect(r"pong after [\d.]+ ms")
        terminal.type("/hex 00 ff" + ENTER)
        terminal.expect(r"got b'\\x00\\xff'")
        terminal.type("/hex zz" + ENTER)
        terminal.expect("error: /hex takes pairs")
        terminal.type("/nonsense" + ENTER)
        terminal.expect("error: there is no command /nonsense")
        terminal.type("/close 999" + ENTER)
        terminal.expect("error: ")
        terminal.type("/close 4001 see you" + ENTER)
        terminal.expect(r"closed: 4001 .*see you")
        assert terminal.end() == 1
    assert seen == [(4001, "see you")]


def test_the_peer_may_close_while_one_types(tmp_path: Path) -> None:
    def close_after_first(ws: ServerConnection) -> None:
        ws.recv()
        ws.close(1011, "enough")

    with peer(close_after_first) as url, Terminal("connect", url, home=tmp_path) as terminal:
        terminal.expect(">")
        terminal.type("one" + ENTER)
        terminal.expect(r"closed by the peer: 1011 \(internal error\) enough")
        assert terminal.end() == 1


def test_json_refuses_a_message_and_goes_on(tmp_path: Path) -> None:
    with peer(describe) as url, Terminal("connect", "--json", url, home=tmp_path) as terminal:
        terminal.expect(">")
        terminal.type("nonsense" + ENTER)
        terminal.expect("error: not sent, since it is no JSON")
        terminal.type("[1]" + ENTER)
        terminal.expect(r"< got '\[1\]'")
