"""HTTP Basic authentication of clients."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from openline import InvalidStatus, ServerConnection, basic_auth, connect, serve

from .wire import ask, port_of, upgrade_request

pytestmark = pytest.mark.engine


async def who(ws: ServerConnection) -> None:
    await ws.send(ws.username)


def credentials(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("known", [("alice", "pässword"), [("bob", "x"), ("alice", "pässword")]])
async def test_fixed_credentials(known: Any) -> None:
    async with serve(who, "127.0.0.1", 0, process_request=basic_auth("here", known)) as server:
        uri = f"ws://{{}}@127.0.0.1:{port_of(server)}/"
        async with connect(uri.format("alice:p%C3%A4ssword")) as ws:
            assert await ws.recv() == "alice"
        for wrong in ("alice:password", "alice:", "carol:pässword", "bob:pässword"):
            with pytest.raises(InvalidStatus) as info:
                await connect(uri.format(wrong))
            response = info.value.response
            assert (response.status_code, response.body) == (401, b"Invalid credentials\n")


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_check_credentials(asynchronous: bool) -> None:
    def check(username: str, password: str) -> bool:
        return username == password[::-1]

    async def check_later(username: str, password: str) -> bool:
        await asyncio.sleep(0)
        return check(username, password)

    hook = basic_auth(check_credentials=check_later if asynchronous else check)
    async with serve(who, "127.0.0.1", 0, process_request=hook) as server:
        async with connect(f"ws://abc:cba@127.0.0.1:{port_of(server)}/") as ws:
            assert await ws.recv() == "abc"
        with pytest.raises(InvalidStatus):
            await connect(f"ws://abc:abc@127.0.0.1:{port_of(server)}/")


async def test_password_with_a_colon() -> None:
    async with (
        serve(who, "127.0.0.1", 0, process_request=basic_auth("", ("a", "b:c"))) as server,
        connect(f"ws://a:b%3Ac@127.0.0.1:{port_of(server)}/") as ws,
    ):
        assert await ws.recv() == "a"


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (None, b"Missing credentials\n"),
        ("Bearer abc", b"Unsupported credentials\n"),
        ("Basic !!!", b"Unsupported credentials\n"),
        (credentials("no colon"), b"Unsupported credentials\n"),
        (credentials("a:wrong"), b"Invalid credentials\n"),
    ],
)
async def test_rfc_7617_section_2_challenge(header: str | None, body: bytes) -> None:
    hook = basic_auth('my "realm"', ("a", "b"))
    async with serve(who, "127.0.0.1", 0, process_request=hook) as server:
        answer = await ask(server, upgrade_request(Authorization=header))
        assert (answer.status, answer.body) == (401, body)
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="my \\"realm\\"", charset="UTF-8"'


async def test_two_authorization_headers_are_none() -> None:
    async with serve(who, "127.0.0.1", 0, process_request=basic_auth("", ("a", "b"))) as server:
        header = f"Authorization: {credentials('a:b')}\r\n".encode()
        request = upgrade_request().replace(b"Host:", header + header + b"Host:")
        assert (await ask(server, request)).status == 401


def test_arguments() -> None:
    with pytest.raises(ValueError, match="either"):
        basic_auth()
    with pytest.raises(ValueError, match="either"):
        basic_auth("", ("a", "b"), lambda username, password: True)
    for wrong in ("ab", ("a", 1), [("a", "b"), ("c",)], 1):
        with pytest.raises(TypeError, match="pair"):
            basic_auth("", wrong)  # type: ignore[arg-type]
