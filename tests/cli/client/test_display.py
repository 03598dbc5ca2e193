"""How messages and remarks look, in a pipe and in a terminal."""

from __future__ import annotations

import json
from pathlib import Path

from websockets.sync.server import ServerConnection

from tests.cli.peers import peer
from tests.cli.terminal import Terminal, run


def test_binary_messages_are_lines_of_hex_in_a_pipe() -> None:
    with peer(lambda ws: ws.send(b"\x00\xffhi")) as url:
        assert run("connect", "-1", url).stdout == b"00ff6869\n"


def test_raw_writes_the_bytes_of_messages_and_nothing_else() -> None:
    def two(ws: ServerConnection) -> None:
        ws.send(b"\x00\xff")
        ws.send("é")

    with peer(two) as url:
        assert run("connect", "-n", "2", "--raw", url).stdout == b"\x00\xff\xc3\xa9"


def test_json_is_indented_with_every_token_as_it_came() -> None:
    message = '{"a":1.10,"a":[1E400,"\\u00e9\\n",{},[]],"b":null}'
    with peer(lambda ws: ws.send(message)) as url:
        result = run("connect", "-1", "--json", url)
    shown = result.stdout.decode()
    assert shown == (
        '{\n  "a": 1.10,\n  "a": [\n    1E400,\n    "\\u00e9\\n",\n    {},\n    []\n  ],\n  "b": null\n}\n'
    )
    assert json.loads(shown) == json.loads(message)


def test_a_pipe_gets_messages_unchanged() -> None:
    message = '{"a": 1} \x1b[31m'
    with peer(lambda ws: ws.send(message)) as url:
        assert run("connect", "-1", url).stdout.decode() == f"{message}\n"


def test_verbose_shows_both_headers_of_the_handshake() -> None:
    with peer(lambda ws: ws.send("hi")) as url:
        shown = run("connect", "-1", "-v", f"{url}/path?q=1").stderr.decode()
    assert "> GET /path?q=1 HTTP/1.1" in shown
    assert "> Sec-WebSocket-Version: 13" in shown
    assert "< HTTP/1.1 101 Switching Protocols" in shown
    assert "< Sec-WebSocket-Accept: " in shown


def test_quiet_says_nothing_beside_the_messages() -> None:
    with peer() as url:
        result = run("connect", "-1", "-q", url, stdin=b"hi\n")
    assert (result.stdout, result.stderr) == (b"hi\n", b"")


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


def test_raw_in_a_terminal_does_without_the_prompt(tmp_path: Path) -> None:
    with peer() as url, Terminal("connect", "--raw", "-1", url, home=tmp_path) as terminal:
        terminal.expect(f"connected to {url}")
        terminal.type("hello\n")
        terminal.expect("hello")  # the terminal's own echo
        terminal.expect("hello")
        assert terminal.end() == 0
        assert ">" not in terminal.raw
