"""What the kernel is asked."""

from __future__ import annotations

import socket
import sys
import time

import pytest

from openline.engine.kernel import unacknowledged, unread


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    return one, other


@pytest.mark.skipif(sys.platform == "win32", reason="the kernel of Windows is not asked")
def test_unread_counts_what_waits() -> None:
    one, other = tcp_pair()
    with one, other:
        assert unread(other.fileno()) == 0
        one.sendall(b"hello")
        other.recv(1, socket.MSG_PEEK)
        assert unread(other.fileno()) == 5
        other.recv(3)
        assert unread(other.fileno()) == 2


def test_of_what_is_no_socket_nothing_is_known() -> None:
    assert unread(-1) is None
    assert unacknowledged(-1) == 0
    with socket.socket() as closed:
        fd = closed.fileno()
    assert unread(fd) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is not acknowledged")
def test_unacknowledged_counts_what_the_peers_tcp_did_not_take() -> None:
    one, other = tcp_pair()
    with one, other:
        one.setblocking(False)
        sent = 0
        try:
            while True:
                sent += one.send(b"x" * 65536)
        except BlockingIOError:
            pass
        assert 0 < unacknowledged(one.fileno()) <= sent
        received = 0
        while received < sent:
            received += len(other.recv(1 << 20))
        deadline = time.monotonic() + 5
        while unacknowledged(one.fileno()) and time.monotonic() < deadline:
            time.sleep(0.001)
        assert unacknowledged(one.fileno()) == 0
