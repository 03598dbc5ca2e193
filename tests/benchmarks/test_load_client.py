"""benchmarks/load: it measures a server that keeps the rules, and refuses one that does not."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import native
from benchmarks.payloads import write_messages

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")

AnswerHead = Callable[[bytes], bytes]
Answer = Callable[[int, bytes], bytes]
Done = tuple[subprocess.CompletedProcess[str], "Server"]
Run = Callable[..., Done]


def accept(head: bytes) -> bytes:
    key = next(line for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: ")).split()[1]
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def response(head: bytes, extra: bytes = b"") -> bytes:
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept(head) + b"\r\n" + extra + b"\r\n"
    )


def read_exactly(stream: socket.SocketIO, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = stream.read(size - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data


def read_frame(stream: socket.SocketIO) -> tuple[int, bytes]:
    """First byte and unmasked payload, of at most 65,535 bytes."""
    first, second = read_exactly(stream, 2)
    length = second & 0x7F
    if length == 126:
        length = int.from_bytes(read_exactly(stream, 2))
    key, masked = read_exactly(stream, 4), read_exactly(stream, length)
    return first, bytes(byte ^ key[i & 3] for i, byte in enumerate(masked))


def plain(first: int, payload: bytes) -> bytes:
    return bytes([first, len(payload)]) + payload


class Server:
    """Answers one connection: its head by one function, its messages by another."""

    def __init__(self, answer_head: AnswerHead, answer: Answer) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._answer_head = answer_head
        self._answer = answer
        self.head = b""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        sock, _ = self._listener.accept()
        with sock, socket.SocketIO(sock, "rw") as stream:
            try:
                while not self.head.endswith(b"\r\n\r\n"):
                    self.head += read_exactly(stream, 1)
                sock.sendall(self._answer_head(self.head))
                while True:
                    sock.sendall(self._answer(*read_frame(stream)))
            except (OSError, EOFError):
                return  # the client has gone

    def close(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    client, _ = native.build()
    messages = write_messages(tmp_path, "json", 120)

    def run(answer_head: AnswerHead, answer: Answer, *options: str) -> Done:
        server = Server(answer_head, answer)
        command = [
            client,
            "echo",
            f"--port={server.port}",
            f"--messages={messages}",
            "--warmup=0",
            "--duration=0.1",
        ]
        try:
            client_run = subprocess.run(
                [*command, *options], capture_output=True, text=True, timeout=20, check=False
            )
        finally:
            server.close()
        return client_run, server

    return run


def test_measures_an_echo(run: Run) -> None:
    done, server = run(response, plain, "--duration=0.5")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["messages"] >= 10
    assert result["bytes_received"] == 122 * result["messages"]
    assert result["messages_checked"] >= result["messages"] // 64
    assert 0 < result["latency_us"]["p50"] <= result["latency_us"]["p99.9"] <= result["latency_us"]["max"]
    assert len(server.head) == 600


@pytest.mark.parametrize(
    ("answer_head", "reason"),
    [
        pytest.param(lambda head: response(head).replace(b"101", b"200", 1), "refused", id="status"),
        pytest.param(
            lambda head: response(head + b"x").replace(accept(head), b"A" * 28), "Accept", id="accept"
        ),
        pytest.param(
            lambda head: response(head).replace(b"Upgrade: websocket\r\n", b""), "Upgrade", id="upgrade"
        ),
        pytest.param(
            lambda head: response(head).replace(b": Upgrade", b": close"), "Connection", id="connection"
        ),
        pytest.param(
            lambda head: response(head, b"Sec-WebSocket-Protocol: x\r\n"), "subprotocol", id="subprotocol"
        ),
        pytest.param(
            lambda head: response(head, b"Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            "extensions",
            id="extensions",
        ),
    ],
)
def test_refuses_a_wrong_handshake_4_1(
    run: Run,
    answer_head: AnswerHead,
    reason: str,
) -> None:
    done, _ = run(answer_head, plain)
    assert (done.returncode, reason in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(lambda first, data: plain(first, data[:-1] + b"?"), "differs", id="contents"),
        pytest.param(lambda first, data: plain(first, data[:-1]), "instead of", id="short"),
        pytest.param(lambda first, data: plain(first, data + b"x"), "longer", id="long"),
        pytest.param(lambda first, data: plain(first, data) * 2, "nobody sent", id="twice"),
        pytest.param(lambda first, data: plain(0x81, data), "opcode", id="text for binary"),
        pytest.param(lambda first, data: plain(0x80, data), "opcode", id="continuation of nothing 5.4"),
        pytest.param(lambda first, data: plain(0xC2, data), "reserved", id="rsv1 5.2"),
        pytest.param(lambda first, data: plain(0x09, b""), "control", id="fragmented ping 5.5"),
        pytest.param(lambda first, data: b"\x82\xf8" + b"\0" * 4 + data, "masked", id="masked 5.1"),
        pytest.param(lambda first, data: b"\x82\x7e\0\x78" + data, "minimal", id="length not minimal 5.2"),
        pytest.param(lambda first, data: plain(0x88, b"\x03\xf3no"), "1011", id="close"),
    ],
)
def test_refuses_a_wrong_message(run: Run, answer: Answer, reason: str) -> None:
    done, _ = run(response, answer)
    assert (done.returncode, reason in done.stderr) == (1, True), done.stderr


def test_takes_fragments_and_answers_pings_5_4_5_5_3(
    run: Run,
) -> None:
    pongs: list[bytes] = []

    def answer(first: int, data: bytes) -> bytes:
        if first == 0x8A:
            pongs.append(data)
            return b""
        return plain(0x02, data[:7]) + plain(0x89, b"alive?") + plain(0x00, b"") + plain(0x80, data[7:])

    done, _ = run(response, answer)
    assert done.returncode == 0, done.stderr
    assert set(pongs) == {b"alive?"}


@pytest.mark.skipif(not native.has_deflate(), reason="zlib's headers are missing")
@pytest.mark.parametrize("takeover", [True, False])
def test_deflate_7692_both_ways(run: Run, takeover: bool) -> None:
    offer = b"permessage-deflate" + (
        b"" if takeover else b"; server_no_context_takeover; client_no_context_takeover"
    )
    compressor, inflater = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)

    def answer(first: int, data: bytes) -> bytes:
        nonlocal compressor, inflater
        assert first == 0xC1
        message = inflater.decompress(data + b"\0\0\xff\xff")
        packed = (compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        if not takeover:
            compressor, inflater = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
        return plain(0xC1, packed)

    def answer_head(head: bytes) -> bytes:
        return response(head, b"Sec-WebSocket-Extensions: " + offer + b"\r\n")

    offered = "--extensions=permessage-deflate; client_max_window_bits"
    done, _ = run(answer_head, answer, "--text", "--duration=0.5", offered)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["messages"] > 10
    assert result["bytes_received"] < 120 * result["messages"]
