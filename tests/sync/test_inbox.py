"""What has arrived for a thread, and its bounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from openline import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK
from openline.sync import ServerConnection, connect

from .conftest import running, uri_of

pytestmark = pytest.mark.engine


def test_reading_stops_at_max_queue() -> None:
    sent = 0

    def handler(ws: ServerConnection) -> None:
        nonlocal sent
        for _ in range(1000):
            ws.send(b"x" * 2**16)
            sent += 1

    with running(handler) as server, connect(uri_of(server), max_queue=4, compression=None) as ws:
        before = -1
        while sent != before:
            before = sent
            time.sleep(0.1)
        assert sent < 500
        assert sum(len(message) for message in ws) == 1000 * 2**16


def test_timeout_in_the_middle_of_a_message_loses_nothing() -> None:
    go_on = threading.Event()

    def fragments() -> Iterator[str]:
        yield "one "
        go_on.wait()
        yield "two"

    def handler(ws: ServerConnection) -> None:
        ws.send(fragments())

    with running(handler) as server, connect(uri_of(server)) as ws:
        with pytest.raises(TimeoutError):
            ws.recv(timeout=0.05)
        go_on.set()
        assert ws.recv() == "one two"


def test_streaming_that_was_not_consumed() -> None:
    def handler(ws: ServerConnection) -> None:
        ws.send(["one", "two"])

    with running(handler) as server, connect(uri_of(server)) as ws:
        fragments = ws.recv_streaming()
        assert next(fragments) == "one"
        fragments.close()  # type: ignore[attr-defined]
        with pytest.raises(ConcurrencyError, match="not consumed"):
            ws.recv()


def test_streaming_decodes_across_fragments() -> None:
    def handler(ws: ServerConnection) -> None:
        ws.send(["é".encode()[:1], "é".encode()[1:]])
        ws.send([b"\xff", b""])
        ws.wait_closed()

    with running(handler) as server, connect(uri_of(server)) as ws:
        assert "".join(ws.recv_streaming(decode=True)) == "é"
        with pytest.raises(ConnectionClosedError) as info:
            list(ws.recv_streaming(decode=True))
        assert isinstance(info.value.__cause__, UnicodeDecodeError)


def test_connection_that_ends_in_the_middle_of_a_message() -> None:
    def fragments() -> Iterator[str]:
        yield "one"
        raise RuntimeError("on purpose")

    def handler(ws: ServerConnection) -> None:
        with pytest.raises(RuntimeError):
            ws.send(fragments())

    with running(handler) as server, connect(uri_of(server)) as ws:
        for _ in range(2):
            with pytest.raises(ConnectionClosedError):
                ws.recv()


def test_messages_of_other_threads_wait_for_a_fragmented_one() -> None:
    begun = threading.Event()
    go_on = threading.Event()

    def fragments() -> Iterator[str]:
        yield "one "
        begun.set()
        go_on.wait()
        yield "two"

    def handler(ws: ServerConnection) -> None:
        sender = threading.Thread(target=ws.send, args=(fragments(),))
        sender.start()
        begun.wait()
        others = [threading.Thread(target=ws.send, args=("other",)) for _ in range(3)]
        for other in others:
            other.start()
        go_on.set()
        for thread in (sender, *others):
            thread.join()

    with running(handler) as server, connect(uri_of(server)) as ws:
        assert list(ws) == ["one two", "other", "other", "other"]


def test_what_was_received_before_the_end_can_be_received_after_it() -> None:
    def handler(ws: ServerConnection) -> None:
        for number in range(5):
            ws.send(str(number))

    with running(handler) as server, connect(uri_of(server)) as ws:
        assert ws.wait_closed(10)
        assert [ws.recv() for _ in range(5)] == list("01234")
        for _ in range(2):
            with pytest.raises(ConnectionClosedOK):
                ws.recv(timeout=1)


def test_text_that_cannot_be_encoded_is_an_error_of_its_sender() -> None:
    def handler(ws: ServerConnection) -> None:
        ws.send(ws.recv())

    with running(handler) as server, connect(uri_of(server)) as ws:
        with pytest.raises(UnicodeEncodeError):
            ws.send("\ud800")
        ws.send("fine")
        assert ws.recv() == "fine"
