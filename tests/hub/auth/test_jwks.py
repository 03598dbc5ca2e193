"""Keys by URL: fetched once, when needed, and never because somebody invents names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openline import HTTPRequest, HTTPResponse, ServerConnection, serve
from openline.hub.auth.jwks import MAX_KEYS, RemoteKeys
from openline.hub.auth.tokens import KeysUnavailable, TokenInvalid, TokenVerifier
from openline.hub.options import TokenOptions
from tests.hub.auth.forge import SECRET, PrivateKey, ec_private, jwk, public_pem, rsa_private, token


class Publisher:
    """A server of a key set, as an identity provider has one."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.answer: bytes | None = None
        self.asked = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.arrived = asyncio.Event()
        self.url = ""

    async def respond(self, _request: HTTPRequest) -> HTTPResponse:
        self.asked += 1
        self.arrived.set()
        answer = self.answer if self.answer is not None else json.dumps({"keys": self.keys}).encode()
        await self.go_on.wait()
        return HTTPResponse(body=answer)

    def options(self, *, min_interval: float = 1e-9, **more: Any) -> TokenOptions:
        return TokenOptions(jwks_url=self.url, jwks_min_interval=min_interval, **more)


@asynccontextmanager
async def publisher(**keys: PrivateKey) -> AsyncIterator[Publisher]:
    one = Publisher()
    one.keys = [jwk(key, name) for name, key in keys.items()]

    async def no_sockets(ws: ServerConnection) -> None:
        await ws.close()

    async with serve(no_sockets, "127.0.0.1", 0, http=one.respond) as server:
        one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
        yield one


def signed(key: PrivateKey, name: str, algorithm: str = "RS256") -> str:
    return token({"sub": "42"}, key, algorithm, {"kid": name})


async def user(verifier: TokenVerifier, text: str) -> str:
    claims = verifier.verify_connection(text)
    return (await claims).user if isinstance(claims, Awaitable) else claims.user


async def test_a_key_is_fetched_once_and_then_nothing_suspends() -> None:
    async with publisher(a=rsa_private(), b=ec_private()) as there:
        verifier = TokenVerifier(there.options())
        first = verifier.verify_connection(signed(rsa_private(), "a"))
        assert isinstance(first, Awaitable)
        assert (await first).user == "42"
        second = verifier.verify_connection(signed(rsa_private(), "a"))
        assert not isinstance(second, Awaitable)
        assert await user(verifier, signed(ec_private(), "b", "ES256")) == "42"
        assert there.asked == 1
        with pytest.raises(TokenInvalid, match="signature"):
            await user(verifier, signed(rsa_private(number=1), "a"))


async def test_subscription_tokens_too() -> None:
    async with publisher(a=rsa_private()) as there:
        text = token({"channel": "x"}, rsa_private(), "RS256", {"kid": "a"})
        claims = TokenVerifier(there.options()).verify_subscription(text)
        assert isinstance(claims, Awaitable)
        assert (await claims).channel == "x"


async def test_many_tokens_at_once_are_one_request() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options())
        users = await asyncio.gather(*(user(verifier, signed(rsa_private(), "a")) for _ in range(20)))
        assert users == ["42"] * 20
        assert there.asked == 1


async def test_a_new_key_is_found_by_its_name() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options())
        await user(verifier, signed(rsa_private(), "a"))
        there.keys = [jwk(rsa_private(number=1), "b")]
        assert await user(verifier, signed(rsa_private(number=1), "b")) == "42"
        with pytest.raises(TokenInvalid, match="not in the set"):
            await user(verifier, signed(rsa_private(), "a"))


async def test_invented_names_cause_one_request_an_interval_and_are_no_terminal_error() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options(min_interval=1000))
        with pytest.raises(TokenInvalid):
            await user(verifier, signed(rsa_private(), "invented"))
        for number in range(10):
            with pytest.raises(KeysUnavailable):
                await user(verifier, signed(rsa_private(), f"invented{number}"))
        assert there.asked == 1
        assert await user(verifier, signed(rsa_private(), "a")) == "42"


async def test_a_set_that_was_asked_for_before_says_nothing_of_a_newer_key() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options())
        there.go_on.clear()
        first = asyncio.create_task(user(verifier, signed(rsa_private(), "a")))
        await there.arrived.wait()
        later = asyncio.create_task(user(verifier, signed(rsa_private(number=1), "b")))
        await asyncio.sleep(0)
        there.go_on.set()
        assert await first == "42"
        with pytest.raises(KeysUnavailable, match="before this token came"):
            await later


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b'{"keys":1}',
        b'{"keys":[1]}',
        b"\xff",
        b'{"keys":' + b"[" * 100_000,
        b"{" + b" " * 2**18 + b"}",
    ],
)
async def test_an_answer_that_is_no_set_is_a_temporary_error(answer: bytes) -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options())
        there.answer = answer
        with pytest.raises(KeysUnavailable):
            await user(verifier, signed(rsa_private(), "a"))
        there.answer = None
        assert await user(verifier, signed(rsa_private(), "a")) == "42"


async def test_a_server_that_is_gone_is_a_temporary_error_and_known_keys_stay() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options())
        await user(verifier, signed(rsa_private(), "a"))
    with pytest.raises(KeysUnavailable):
        await user(verifier, signed(rsa_private(), "b"))
    assert await user(verifier, signed(rsa_private(), "a")) == "42"


async def test_a_client_that_leaves_does_not_end_the_request_of_others() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options(min_interval=1000))
        there.go_on.clear()
        leaving = asyncio.create_task(user(verifier, signed(rsa_private(), "a")))
        await there.arrived.wait()
        staying = asyncio.create_task(user(verifier, signed(rsa_private(), "a")))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        there.go_on.set()
        assert await staying == "42"
        assert there.asked == 1


async def test_closing_answers_who_waits() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options())
        there.go_on.clear()
        waiting = asyncio.create_task(user(verifier, signed(rsa_private(), "a")))
        await there.arrived.wait()
        verifier.close()
        verifier.close()
        with pytest.raises(KeysUnavailable, match="closing"):
            await waiting
        there.go_on.set()


async def test_an_old_set_is_asked_for_anew_while_its_keys_go_on() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options(jwks_max_age=1e-9))
        await user(verifier, signed(rsa_private(), "a"))
        there.keys = []
        known = verifier.verify_connection(signed(rsa_private(), "a"))
        assert not isinstance(known, Awaitable)
        await asyncio.gather(
            *(one for one in asyncio.all_tasks() if one.get_name() == "openline: token keys")
        )
        with pytest.raises(TokenInvalid, match="not in the set"):
            await user(verifier, signed(rsa_private(), "a"))


async def test_keys_of_other_kinds_and_secrets_in_a_set_are_not_used() -> None:
    async with publisher(a=rsa_private()) as there:
        there.keys += [
            {"kty": "oct", "kid": "s", "k": "c2VjcmV0" * 10},
            {"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "AAAA"},
            {"kty": ["RSA"], "kid": "l"},
            {"kty": "RSA", "kid": "broken", "n": "*", "e": "AQAB"},
            {"kty": "RSA", "kid": 5},
            {},
        ]
        verifier = TokenVerifier(there.options())
        assert await user(verifier, signed(rsa_private(), "a")) == "42"
        for name in ("s", "o", "l", "broken"):
            with pytest.raises(TokenInvalid, match="not in the set"):
                await user(verifier, signed(rsa_private(), name))
        with pytest.raises(TokenInvalid, match="no key for HS256"):
            await user(verifier, token({}, SECRET, "HS256", {"kid": "s"}))


async def test_a_key_of_one_kind_is_not_used_for_the_other() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(there.options())
        with pytest.raises(TokenInvalid, match="not in the set"):
            await user(verifier, signed(ec_private(), "a", "ES256"))
        there.keys = [jwk(rsa_private(), "b", alg="RS512")]
        with pytest.raises(TokenInvalid, match="not one for RS256"):
            await user(verifier, signed(rsa_private(), "b"))


async def test_the_number_of_keys_has_a_bound() -> None:
    async with publisher() as there:
        there.keys = [jwk(rsa_private(), str(number)) for number in range(MAX_KEYS + 1)]
        verifier = TokenVerifier(there.options())
        assert await user(verifier, signed(rsa_private(), str(MAX_KEYS - 1))) == "42"
        with pytest.raises(TokenInvalid, match="not in the set"):
            await user(verifier, signed(rsa_private(), str(MAX_KEYS)))


async def test_tokens_without_a_name_use_the_configured_key() -> None:
    async with publisher(a=rsa_private()) as there:
        verifier = TokenVerifier(
            there.options(rsa_public_key=public_pem(rsa_private(number=1)), hmac_secret=SECRET)
        )
        assert await user(verifier, token({"sub": "1"}, rsa_private(number=1), "RS256")) == "1"
        assert await user(verifier, token({"sub": "2"}, SECRET, "HS256", {"kid": "a"})) == "2"
        assert there.asked == 0
        with pytest.raises(TokenInvalid, match="no key for ES256"):
            await user(verifier, token({}, ec_private(), "ES256"))


def test_the_url_is_checked_at_once() -> None:
    with pytest.raises(ValueError, match=r"jwks_url: .*use https"):
        RemoteKeys(TokenOptions(jwks_url="http://example.org/keys"))
    RemoteKeys(TokenOptions(jwks_url="http://example.org/keys", jwks_insecure=True))


@pytest.mark.parametrize("wrong", [{"jwks_min_interval": 0}, {"jwks_max_age": 0}, {"leeway": -1}])
def test_times_are_checked_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        TokenOptions(**wrong)
