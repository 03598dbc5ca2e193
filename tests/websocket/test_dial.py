"""The socket that a client connects with."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from openline.protocol.uri import parse_uri
from openline.websocket.dial import ConnectKwargs, check_connect_kwargs, dial, is_unix, resolve


async def dialled(uri: str, **kwargs: Any) -> socket.socket:
    return await dial(asyncio.get_running_loop(), parse_uri(uri), None, ConnectKwargs(**kwargs), None)


def listening(host: str = "127.0.0.1") -> socket.socket:
    return socket.create_server((host, 0))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_addresses_need_no_resolver(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("asked the resolver")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", fail, raising=False)
    ((_, kind, _, _, address),) = await resolve(loop, host, 80, 0, 0, 0)
    assert (kind, address[:2]) == (socket.SOCK_STREAM, (host, 80))


async def test_names() -> None:
    with listening() as server:
        port = server.getsockname()[1]
        sock = await dialled(f"ws://localhost:{port}/", family=socket.AF_INET)
        assert sock.getpeername() == ("127.0.0.1", port)
        sock.close()


@pytest.mark.parametrize(
    "kwargs", [{}, {"happy_eyeballs_delay": 0.01}, {"interleave": 1}, {"all_errors": True}]
)
async def test_host_and_port_override_the_uri(kwargs: dict[str, Any]) -> None:
    with listening("127.0.0.2") as server:
        port = server.getsockname()[1]
        sock = await dialled("ws://example.invalid/", host="127.0.0.2", port=port, **kwargs)
        assert sock.getpeername() == ("127.0.0.2", port)
        sock.close()


async def test_local_addr() -> None:
    with listening() as server:
        uri = f"ws://127.0.0.1:{server.getsockname()[1]}/"
        sock = await dialled(uri, local_addr=("127.0.0.3", 0))
        assert sock.getsockname()[0] == "127.0.0.3"
        sock.close()
        with pytest.raises(OSError, match=re.escape("192.0.2.1")):
            await dialled(uri, local_addr=("192.0.2.1", 0))


async def test_all_errors(closed_port: int) -> None:
    with pytest.raises(ExceptionGroup) as info:
        await dialled(f"ws://127.0.0.1:{closed_port}/", all_errors=True)
    assert [type(error) for error in info.value.exceptions] == [ConnectionRefusedError]
    with pytest.raises(ConnectionRefusedError):
        await dialled(f"ws://127.0.0.1:{closed_port}/")


async def test_unknown_name() -> None:
    with pytest.raises(socket.gaierror):
        await dialled("ws://name.invalid/")


async def test_unix_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        sock = await dialled("ws://localhost/", path=tmp_path / "socket")
        assert sock.getpeername() == str(tmp_path / "socket")
        sock.close()
    with pytest.raises(FileNotFoundError):
        await dialled("ws://localhost/", path=tmp_path / "nothing")


async def test_given_socket() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert await dialled("ws://localhost/", sock=one) is one
        assert not one.getblocking()
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams, pytest.raises(ValueError, match="stream socket"):
        await dialled("ws://localhost/", sock=datagrams)


async def test_cancelled() -> None:
    """No descriptor is left behind: the test run looks for them."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        # Fill the queue of connections that are not accepted, so that the next one hangs.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        dialling = asyncio.create_task(dialled(f"ws://127.0.0.1:{address[1]}/"))
        await asyncio.sleep(0.05)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            (await dialling).close()
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(
    ("kwargs", "error", "text"),
    [
        ({"colour": 1}, TypeError, "unexpected keyword argument 'colour'"),
        ({"proxy_family": 1}, TypeError, "'family' applies to the proxy already"),
        ({"path": "/x", "family": 1}, TypeError, "'family' has no meaning on a Unix socket"),
        ({"path": "/x", "proxy_ssl": True}, TypeError, "'proxy_ssl' has no meaning on a Unix socket"),
    ],
)
def test_arguments_are_checked(kwargs: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        check_connect_kwargs(kwargs)


def test_contradictions() -> None:
    with socket.socket() as sock:
        for name, value in (("host", "x"), ("port", 1), ("path", "/x"), ("local_addr", ("x", 1))):
            with pytest.raises(ValueError, match=f"{name} cannot be given together with sock"):
                check_connect_kwargs({"sock": sock, name: value})  # type: ignore[typeddict-unknown-key]
        check_connect_kwargs({"sock": sock, "ssl": True, "server_hostname": "x"})


def test_is_unix() -> None:
    with socket.socket(socket.AF_UNIX) as unix, socket.socket() as tcp:
        assert is_unix({"sock": unix})
        assert is_unix({"path": "/x"})
        assert not is_unix({"sock": tcp})
        assert not is_unix({})
