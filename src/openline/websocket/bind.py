"""The sockets that a server listens on: the arguments of ``loop.create_server``, done without asyncio's servers."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from asyncio import AbstractEventLoop
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["BoundSockets", "ServeKwargs", "bind", "check_serve_kwargs", "describe_address"]

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class ServeKwargs(TypedDict, total=False):
    """Keyword arguments of ``serve`` and ``unix_serve`` that concern the listening sockets and TLS.

    Those of ``loop.create_server`` and ``loop.create_unix_server``, with their defaults, and ``mode``.
    """

    family: int
    """Address family. Default: both IPv4 and IPv6."""
    flags: int
    """Flags for ``getaddrinfo``. Default: ``AI_PASSIVE``."""
    sock: socket.socket | None
    """A bound socket to listen on, instead of ``host`` and ``port`` or ``path``."""
    backlog: int
    """How many connections the kernel may hold that were not accepted yet. Default: 100."""
    ssl: SSLContext | None
    """TLS settings. None: no TLS."""
    reuse_address: bool | None
    """Set ``SO_REUSEADDR``. None: on POSIX only."""
    reuse_port: bool | None
    """Set ``SO_REUSEPORT``, so that several processes may share the port. None: no."""
    keep_alive: bool | None
    """Set ``SO_KEEPALIVE``. None: leave it as the system has it."""
    ssl_handshake_timeout: float | None
    """Seconds for the TLS handshake. Default: ``open_timeout``."""
    ssl_shutdown_timeout: float | None
    """Seconds for the end of TLS. Default: ``close_timeout``."""
    start_serving: bool
    """False: accept nothing before `Server.start_serving`. Default: True."""
    path: Path | None
    """Unix sockets: where the socket lives; a name that starts with NUL is abstract."""
    cleanup_socket: bool
    """Unix sockets: remove the file when the server closes, if it is still this server's. Default: True."""
    mode: int | None
    """Unix sockets: permissions of the file. None: as the umask has it."""


_TCP_ONLY = frozenset({"family", "flags", "reuse_address", "reuse_port", "keep_alive"})
_UNIX_ONLY = frozenset({"path", "cleanup_socket", "mode"})


def check_serve_kwargs(kwargs: ServeKwargs) -> None:
    """Refuse what has no meaning, by name.

    Raises:
        TypeError: for an unknown argument, or one that is for the other kind of socket.
    """
    unix = _is_unix(kwargs)
    for name in kwargs:
        if name not in ServeKwargs.__annotations__:
            raise TypeError(f"serve() got an unexpected keyword argument {name!r}")
        if unix and name in _TCP_ONLY:
            raise TypeError(f"{name!r} has no meaning on a Unix socket")
        if not unix and name in _UNIX_ONLY and name != "path":
            raise TypeError(f"{name!r} has no meaning without the path of a Unix socket")


def _is_unix(kwargs: ServeKwargs) -> bool:
    sock = kwargs.get("sock")
    return kwargs.get("path") is not None or (
        sock is not None and sock.family == getattr(socket, "AF_UNIX", None)
    )


class BoundSockets:
    """Bound sockets, and the file of a Unix socket that must be removed with them.

    Attributes:
        sockets: They are not listening yet.
    """

    def __init__(self, sockets: Sequence[socket.socket], path: Path | None = None) -> None:
        self.sockets = tuple(sockets)
        self._path = path
        self._inode = None if path is None else os.stat(path).st_ino

    def close(self) -> None:
        """Close the sockets that are still open, and remove the file, unless another server has replaced it."""
        for sock in self.sockets:
            sock.close()
        if self._path is not None:
            path, self._path = self._path, None
            with suppress(FileNotFoundError):
                if os.stat(path).st_ino == self._inode:
                    os.unlink(path)


async def bind(
    loop: AbstractEventLoop,
    host: str | Sequence[str] | None,
    port: int | None,
    kwargs: ServeKwargs,
) -> BoundSockets:
    """Make and bind the sockets that ``serve`` was asked for.

    Cancel: safe; sockets made so far are closed.

    Raises:
        OSError: if an address cannot be bound.
        ValueError: if the arguments contradict each other.
    """
    sock, path = kwargs.get("sock"), kwargs.get("path")
    if sock is not None:
        if host is not None or port is not None or path is not None:
            raise ValueError("host, port and path cannot be given together with sock")
        if sock.type != socket.SOCK_STREAM:
            raise ValueError(f"sock must be a stream socket: {sock!r}")
        sock.setblocking(False)
        return BoundSockets([sock])
    if path is not None:
        if host is not None or port is not None:
            raise ValueError("host and port cannot be given together with path")
        return _bind_unix(path, kwargs)
    if host is None and port is None:
        raise ValueError("host, port or sock must be given")
    return await _bind_tcp(loop, host, port, kwargs)


def _bind_unix(path: Path, kwargs: ServeKwargs) -> BoundSockets:
    path = os.fspath(path)
    abstract = path[:1] in ("\0", b"\0")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if not abstract:
            _remove_stale_socket(path)
        mode = None if abstract else kwargs.get("mode")
        if mode is None:
            sock.bind(path)
        else:
            # Nobody may connect between bind and chmod: the file starts out closed to others.
            umask = os.umask(0o177)
            try:
                sock.bind(path)
            finally:
                os.umask(umask)
            os.chmod(path, mode)
    except OSError as exc:
        sock.close()
        if exc.errno == errno.EADDRINUSE:
            raise OSError(errno.EADDRINUSE, f"Address {path!r} is already in use") from None
        raise
    except BaseException:
        sock.close()
        raise
    cleanup = kwargs.get("cleanup_socket", True) and not abstract
    return BoundSockets([sock], path if cleanup else None)


def _remove_stale_socket(path: str | bytes) -> None:
    # As asyncio: what a server left behind that died. Anything but a socket makes bind() fail.
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)


async def _bind_tcp(
    loop: AbstractEventLoop, host: str | Sequence[str] | None, port: int | None, kwargs: ServeKwargs
) -> BoundSockets:
    hosts: Sequence[str | None] = [host or None] if host is None or isinstance(host, str) else host
    family, flags = kwargs.get("family", socket.AF_UNSPEC), kwargs.get("flags", socket.AI_PASSIVE)
    # A dict for a set that keeps the order.
    addresses: dict[tuple[int, int, Any], None] = {}
    for name in hosts:
        infos = await loop.getaddrinfo(name, port or 0, family=family, type=socket.SOCK_STREAM, flags=flags)
        if not infos:
            raise OSError(f"getaddrinfo({name!r}) returned empty list")
        addresses.update({(info[0], info[2], info[4]): None for info in infos})
    with ExitStack() as undo:
        sockets: list[socket.socket] = []
        unavailable: OSError | None = None
        for af, proto, address in addresses:
            try:
                sock = socket.socket(af, socket.SOCK_STREAM, proto)
            except OSError as exc:
                # The name has an address of a family that this kernel lacks.
                unavailable = exc
                continue
            undo.callback(sock.close)
            try:
                _bind_one(sock, address, kwargs)
            except OSError as exc:
                if exc.errno == errno.EADDRNOTAVAIL and len(addresses) > 1:
                    # Such as ::1 of "localhost" in a container without IPv6.
                    sock.close()
                    unavailable = exc
                    continue
                message = f"error while attempting to bind on address {address!r}: {exc.strerror}"
                raise OSError(exc.errno, message) from None
            sockets.append(sock)
        if not sockets:
            message = f"could not bind on any address out of {list(addresses)}"
            raise OSError(errno.EADDRNOTAVAIL, message) from unavailable
        undo.pop_all()
        return BoundSockets(sockets)


def _bind_one(sock: socket.socket, address: Any, kwargs: ServeKwargs) -> None:
    sock.setblocking(False)
    reuse_address = kwargs.get("reuse_address")
    if reuse_address is None:
        reuse_address = os.name == "posix" and sys.platform != "cygwin"
    if reuse_address:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kwargs.get("reuse_port"):
        if not hasattr(socket, "SO_REUSEPORT"):
            raise ValueError("reuse_port is not supported by this platform")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if kwargs.get("keep_alive"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sock.family == socket.AF_INET6:
        # One socket a family: else binding both to the same port fails.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(address)


def describe_address(sock: socket.socket) -> str:
    """Write the address of a bound socket for people."""
    name = sock.getsockname()
    if sock.family == socket.AF_INET:
        return "{}:{}".format(*name)
    if sock.family == socket.AF_INET6:
        return "[{}]:{}".format(*name)
    return name if isinstance(name, str) else repr(name)
