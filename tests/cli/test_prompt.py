"""`openline connect` in a terminal: the prompt, its commands, its history, and what is shown."""

from __future__ import annotations

import json
import os
import stat
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


def test_binary_messages_are_dumped(tmp_path: Path) -> None:
    def send(ws: ServerConnection) -> None:
        ws.send(bytes(range(0x30, 0x42)))
        ws.recv()

    with peer(send) as url, Terminal("connect", url, home=tmp_path) as terminal:
        terminal.expect("< binary, 18 bytes")
        terminal.expect("00000000  30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?")
        terminal.expect("00000010  40 41 +@A")


def test_json_is_indented_and_coloured(tmp_path: Path) -> None:
    def send(ws: ServerConnection) -> None:
        ws.send('{"key":[1,true]}')
        ws.recv()

    with peer(send) as url, Terminal("connect", url, home=tmp_path) as terminal:
        terminal.expect(r'< \{\s+"key": \[\s+1,\s+true\s+\]\s+\}')
        assert '\x1b[1;34m"key"' in terminal.raw


def test_no_color_is_obeyed(tmp_path: Path) -> None:
    def send(ws: ServerConnection) -> None:
        ws.send('{"key":1}')
        ws.recv()

    with peer(send) as url, Terminal("connect", url, home=tmp_path, NO_COLOR="1") as terminal:
        terminal.expect('"key": 1')
        assert "34m" not in terminal.raw


def test_messages_cannot_command_the_terminal(tmp_path: Path) -> None:
    def send(ws: ServerConnection) -> None:
        ws.send("\x1b]0;title\x07 \x9b2J \u202e backwards")
        ws.send('{"\x7f": "\u2066"}')
        ws.recv()

    with peer(send) as url, Terminal("connect", url, home=tmp_path) as terminal:
        terminal.expect(r"< \\x1b\]0;title\\x07 \\x9b2J \\u202e backwards")
        terminal.expect(r'"\\x7f": "\\u2066"')
        assert "\x1b]0;" not in terminal.raw
        assert "\u202e" not in terminal.raw


def test_history_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    with peer(describe) as url:
        with Terminal("connect", url, home=tmp_path) as terminal:
            terminal.expect(">")
            terminal.type("secret" + ENTER)
            terminal.expect("< got 'secret'")
            terminal.type(CTRL_D)
            assert terminal.end() == 0
        path = tmp_path / "state/openline/history"
        assert json.loads(path.read_text()) == "secret"
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with Terminal("connect", url, home=tmp_path) as terminal:
            terminal.expect(">")
            terminal.type(UP + ENTER)
            terminal.expect("< got 'secret'")


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
