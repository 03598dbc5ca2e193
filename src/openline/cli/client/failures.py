"""One clear line for everything that can go wrong on the way to a WebSocket and at its end."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from openline.cli.target import Target
from openline.exceptions import (
    ConnectionClosed,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

# What connecting may raise on account of the network, the peer or the command line.
CONNECT_ERRORS = (OSError, InvalidHandshake, InvalidProxy, InvalidURI, ImportError, ValueError)

_BODY_SHOWN = 200

# What OpenSSL says when the other side answers a TLS greeting with something else, or not at all.
_NO_TLS_THERE = ("wrong version", "record layer", "unexpected eof", "http request")


def explain(error: Exception, target: Target) -> str:
    """Return one line on why no connection came about.

    Args:
        error: One of `CONNECT_ERRORS`, raised by `Target.connect`.
        target: What should have been connected to.
    """
    parts = urlsplit(target.url)
    where = target.unix or parts.netloc.rpartition("@")[2]
    match error:
        case InvalidStatus():
            return _status(error, where)
        case ProxyError():
            return f"the proxy refused: {error}"
        case InvalidHandshake():
            return f"{where} did not open a WebSocket: {_with_cause(error)}"
        case ssl.SSLCertVerificationError():
            return (
                f"TLS: the certificate of {where} is not trusted ({error.verify_message.rstrip('.')}); "
                "--cacert FILE trusts its issuer, --insecure accepts any"
            )
        case ssl.SSLError():
            reason = (error.reason or str(error)).replace("_", " ").lower()
            hint = "; is it a ws:// server?" if any(sign in reason for sign in _NO_TLS_THERE) else ""
            return f"TLS with {where} failed: {reason}{hint}"
        case socket.gaierror():
            return f"no address found for {parts.hostname}: {error.strerror}"
        case TimeoutError():
            return f"{where} did not answer within {target.open_timeout or 0:g} s (--open-timeout)"
        case ConnectionRefusedError():
            return f"connection refused by {where}; is the server running?"
        case ConnectionError():
            hint = "; is it a ws:// server?" if target.secure else ""
            return f"{where} broke the connection off during the handshake{hint}"
        case OSError():
            return f"cannot connect to {where}: {error.strerror or error}"
        case _:
            return str(error)


def _status(error: InvalidStatus, where: str) -> str:
    response = error.response
    # The first line says it; the rest of a page would drown it.
    body = bytes(response.body or b"").decode("utf-8", "replace").strip()
    first = body.splitlines()[0][:_BODY_SHOWN] if body else ""
    shown = f": {first}" if first else ""
    return f"{where} answered {response.status_code} {response.reason_phrase}{shown}"


def _with_cause(error: BaseException) -> str:
    return f"{error} ({error.__cause__})" if error.__cause__ is not None else str(error)


def describe_end(closed: ConnectionClosed) -> str:
    """Return one line on how a connection ended: who closed, with which code and reason."""
    if closed.rcvd is not None and (closed.sent is None or closed.rcvd_then_sent):
        return f"closed by the peer: {closed.rcvd}"
    if closed.rcvd is not None:
        return f"closed: {closed.rcvd}"
    if closed.sent is not None:
        return f"closed by this side: {closed.sent}; the peer did not answer"
    return "connection lost without a closing handshake (1006)"


def is_normal(closed: ConnectionClosed) -> bool:
    """Tell whether a connection ended as it should (1000, 1001 or no code, both ways)."""
    return isinstance(closed, ConnectionClosedOK)
