"""Peers that are not openline: what the command line talks with must not share its mistakes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.server import ServerConnection, serve, unix_serve

from tests.cli.terminal import PATIENCE

Handler = Callable[[ServerConnection], None]


def echo(ws: ServerConnection) -> None:
    """Send each message back."""
    for message in ws:
        ws.send(message)


@contextmanager
def peer(handler: Handler = echo, *, path: str | None = None, **arguments: Any) -> Iterator[str]:
    """Serve in a thread as long as the block lasts; yields the URL."""

    def calm(ws: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            handler(ws)

    if path is not None:
        server = unix_serve(calm, path, **arguments)
        url = "ws://localhost/"
    else:
        server = serve(calm, "127.0.0.1", 0, **arguments)
        scheme = "wss" if "ssl" in arguments else "ws"
        url = f"{scheme}://localhost:{server.socket.getsockname()[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def answering(reply: bytes | None) -> Iterator[int]:
    """Listen, and answer the first connection with these bytes; None: with silence. Yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = threading.Event()

        def serve_one() -> None:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                if reply is not None:
                    connection.sendall(reply)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
                else:
                    done.wait()

        thread = threading.Thread(target=serve_one)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            done.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def end_of(ws: ClientConnection) -> ConnectionClosed:
    """Read until the connection is closed, and return how."""
    while True:
        try:
            ws.recv(PATIENCE)
        except ConnectionClosed as closed:
            return closed
