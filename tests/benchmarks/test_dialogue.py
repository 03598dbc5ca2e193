"""benchmarks/load with --dialogue: it greets, tells what counts from what does not, answers pings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import native
from benchmarks.payloads import write_messages
from tests.benchmarks.test_load_client import Server, response

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")

DIALOGUE = """\
> hello from %u%nagain
< welcome
> name
< known
send {"id":1,"say":%s}
expect {"said":
also {"noted":
ping {}
pong {"alive":1}
"""
Answer = Callable[[bytes], bytes]


def text(data: bytes) -> bytes:
    length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2)
    return b"\x81" + length + data


def run(tmp_path: Path, answer: Answer, mode: str = "echo") -> subprocess.CompletedProcess[str]:
    """Have the client talk to a server that answers each message so."""
    client, _ = native.build()
    dialogue = tmp_path / "dialogue"
    dialogue.write_text(DIALOGUE)
    server = Server(response, lambda first, data: answer(data))
    command = [
        str(client),
        mode,
        f"--port={server.port}",
        f"--messages={write_messages(tmp_path, 'json', 100)}",
        f"--dialogue={dialogue}",
        "--path=/room?name=1",
        "--text",
        "--warmup=0",
        "--duration=0.1",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    finally:
        server.close()
    assert server.head.startswith(b"GET /room?name=1 HTTP/1.1\r\n")
    assert len(server.head) == 600
    return done


def obliging(heard: list[bytes]) -> Answer:
    def answer(data: bytes) -> bytes:
        heard.append(data)
        if data.startswith(b"hello"):
            return text(b"welcome, and {}\n{}")
        if data == b"name":
            return text(b"known")
        if data == b'{"alive":1}':
            return b""
        said = re.fullmatch(rb'\{"id":1,"say":(.*)\}', data)
        assert said
        return text(b'{"noted":1}\n{"said":' + said[1] + b"}\n{}\n")

    return answer


def test_greets_and_counts(tmp_path: Path) -> None:
    heard: list[bytes] = []
    done = run(tmp_path, obliging(heard))
    assert done.returncode == 0, done.stderr
    assert heard[0] == b"hello from 0\nagain"
    assert heard.count(b'{"alive":1}') > 1
    said = sum(data.startswith(b'{"id":1,"say":') for data in heard)
    assert 10 <= json.loads(done.stdout)["messages"] <= said


def test_an_opening_ends_with_the_greeting(tmp_path: Path) -> None:
    heard: list[bytes] = []
    done = run(tmp_path, obliging(heard), "open")
    assert done.returncode == 0, done.stderr
    assert b"name" in heard


@pytest.mark.parametrize(
    ("instead", "by", "reason"),
    [
        pytest.param(b"welcome", b"go away", "instead of `welcome`", id="greeting"),
        pytest.param(b'{"said":', b'{"error":', 'got `{"error":', id="neither counts nor may come"),
        pytest.param(b'"channel"', b'"chanel"', "does not hold", id="contents"),
        pytest.param(b'{"noted":1}', b'{"said":1}', "does not hold", id="acknowledges for a publication"),
    ],
)
def test_refuses_what_it_was_not_told_of(tmp_path: Path, instead: bytes, by: bytes, reason: str) -> None:
    right = obliging([])

    def answer(data: bytes) -> bytes:
        whole = right(data)
        start = 2 if whole[1:2] < b"\x7e" else 4
        return text(whole[start:].replace(instead, by)) if whole else b""

    done = run(tmp_path, answer)
    assert (done.returncode, reason in done.stderr) == (1, True), done.stderr
