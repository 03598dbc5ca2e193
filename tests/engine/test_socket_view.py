"""A look at a socket that belongs to the engine: it tells, but it neither reads, writes nor closes."""

from __future__ import annotations

import socket

import pytest

from openline.engine.socket_view import SocketView


def test_it_tells_what_the_socket_would_tell() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sock,
    ):
        view = SocketView(sock.fileno())
        assert view.fileno() == sock.fileno()
        assert (view.family, view.type, view.proto) == (sock.family, sock.type, sock.proto)
        assert view.getsockname() == sock.getsockname()
        assert view.getpeername() == server.getsockname()


def test_an_option_that_is_set_is_set_on_the_socket_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        view = SocketView(sock.fileno())
        for value in (1, 0):
            view.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, value)
            assert bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is bool(value)
            assert bool(view.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is bool(value)


def test_questions_leave_the_socket_open() -> None:
    ours, peer = socket.socketpair()
    with ours, peer:
        view = SocketView(ours.fileno())
        view.getsockname()
        del view
        ours.send(b"still here")
        assert peer.recv(100) == b"still here"


@pytest.mark.parametrize("name", ["recv", "send", "close", "shutdown"])
def test_it_offers_no_way_to_interfere(name: str) -> None:
    assert not hasattr(SocketView, name)
