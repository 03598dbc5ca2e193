"""The security page's server code: the token that expires, and the check of Origin on the playground's own ports."""

from __future__ import annotations

import inspect
import json
import time
from pathlib import Path

import jwt
import pytest

from openline import ClientConnection, connect
from openline.exceptions import ConnectionClosedError
from openline.playground.pages import security
from openline.protocol.headers import Headers
from openline.websocket.http import HTTPRequest
from tests.playground.running import running


async def a_token() -> str:
    answer = await security.token(
        HTTPRequest("GET", "/security/token", Headers(), "1.1", "", False, None, None)  # type: ignore[arg-type]
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert isinstance(answer.body, bytes)
    return answer.body.decode()


async def all_of(line: ClientConnection) -> None:
    async for _ in line:
        pass


def test_it_is_short() -> None:
    assert inspect.getsource(security).count("\n") < 80


async def test_a_token_lives_for_some_seconds() -> None:
    claims = jwt.decode(await a_token(), security.SECRET, algorithms=["HS256"])
    assert 0 < claims["exp"] - time.time() <= security.LIFETIME


async def test_a_token_opens_the_line_and_the_next_one_keeps_it_open() -> None:
    async with (
        running(Path("not built")) as address,
        connect(f"ws://{address}/security/connection/websocket", origin=f"http://{address}") as line,
    ):
        await line.send(json.dumps({"id": 1, "connect": {"token": await a_token()}}))
        opened = json.loads(await line.recv())["connect"]
        assert opened["expires"] is True
        assert 0 < opened["ttl"] <= security.LIFETIME
        await line.send(json.dumps({"id": 2, "refresh": {"token": await a_token()}}))
        assert json.loads(await line.recv())["refresh"]["expires"] is True


async def test_one_that_has_expired_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "LIFETIME", 1)
    monkeypatch.setattr(security, "GRACE", 0.0)
    async with (
        running(Path("not built")) as address,
        connect(f"ws://{address}/security/connection/websocket", origin=f"http://{address}") as line,
    ):
        await line.send(json.dumps({"id": 1, "connect": {"token": await a_token()}}))
        with pytest.raises(ConnectionClosedError):
            await all_of(line)
        assert (line.close_code, line.close_reason) == (3005, "connection expired")


async def test_another_signature_lets_nobody_in() -> None:
    async with (
        running(Path("not built")) as address,
        connect(f"ws://{address}/security/connection/websocket", origin=f"http://{address}") as line,
    ):
        forged = jwt.encode(
            {"sub": "visitor", "exp": int(time.time()) + 60}, "another secret of 32 bytes or more"
        )
        await line.send(json.dumps({"id": 1, "connect": {"token": forged}}))
        with pytest.raises(ConnectionClosedError):
            await all_of(line)
        assert line.close_code == 3500
