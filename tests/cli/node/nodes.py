"""A node of a hub in the background, and a client that speaks its protocol by hand."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.cli.terminal import PATIENCE, Background, background, run

SECRET = "a secret of thirty-two bytes, or of more"

CONFIG = f"""
drain = 0.2
api_key = "key"
[token]
hmac_secret = "{SECRET}"
[namespaces.chat]
history = 10
ttl = 60
subscribe = "users"
publish = "subscribers"
"""


def write_config(folder: Path, text: str = CONFIG) -> str:
    """Write ``hub.toml`` and return its path."""
    path = folder / "hub.toml"
    path.write_text(text)
    return str(path)


@contextmanager
def node(*arguments: str) -> Iterator[tuple[Background, str]]:
    """Run ``openline hub`` on a free port; yields the command and the URL of its WebSocket."""
    with background("hub", "--port", "0", *arguments) as command:
        url = command.expect(r"serving the hub at (wss?://\S+)")[1]
        command.expect("Ctrl-C ends it")
        yield command, url


def token(config: str, *arguments: str) -> str:
    """Make a token by ``openline hub token``."""
    result = run("hub", "token", "--config", config, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout.decode().strip()


def ask(ws: ClientConnection, number: int, **command: Any) -> dict[str, Any]:
    """Send a command, and return its reply; pushes and pings that come before it are dropped."""
    ws.send(json.dumps({"id": number, **command}))
    while True:
        for line in str(ws.recv(PATIENCE)).splitlines():
            reply: dict[str, Any] = json.loads(line)
            if reply.get("id") == number:
                return reply


@contextmanager
def client(url: str, text: str | None = None, **arguments: Any) -> Iterator[ClientConnection]:
    """Connect; with a token, let the hub know who it is."""
    with connect(url, **arguments) as ws:
        if text is not None:
            assert "connect" in ask(ws, 1, connect={"token": text})
        yield ws


def get(url: str) -> int:
    """Return the status of an HTTP request to the same server."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def web(url: str, path: str) -> str:
    """Return the address of a page beside the WebSocket."""
    return url.replace("ws", "http", 1).replace("/connection/websocket", path)
