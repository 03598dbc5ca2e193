"""The admin page's way in, and what it may do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from openline.hub.admin.attempts import PER_ADDRESS
from openline.hub.admin.routes import COOKIE
from tests.hub.transports.speaking import CONNECT, Answer, ask, open_hub, served, streaming

FACTS = ("overview", "channels", "channel?q=chat:a", "sessions", "session?q=x")


async def log_in(port: int, password: str = "password") -> Answer:
    return await ask(port, "POST", "/admin/auth", {"password": password})


async def cookie(port: int) -> dict[str, str]:
    answer = await log_in(port)
    assert answer.status == 200
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def admin_hub(**options: Any) -> Any:
    return open_hub(admin_password="password", **options)


async def test_the_password_is_answered_with_a_cookie_that_scripts_cannot_read() -> None:
    async with served(admin_hub()) as port:
        said = (await log_in(port)).headers["set-cookie"]
        assert re.fullmatch(rf"{COOKIE}=[-\w]+; Path=/admin; Max-Age=28800; HttpOnly; SameSite=Strict", said)


async def test_without_the_cookie_nothing_is_told_and_nothing_done() -> None:
    hub = admin_hub()
    async with served(hub) as port, streaming(port) as stream:
        await stream.line()
        for headers in ({}, {"Cookie": f"{COOKIE}=AAAA"}, {"Cookie": "=;;"}):
            for name in FACTS:
                assert (await ask(port, "GET", f"/admin/facts/{name}", headers=headers)).status == 401
            assert (await ask(port, "POST", "/admin/disconnect", {"user": "ann"}, headers)).status == 401
            assert (
                await ask(port, "POST", "/admin/publish", {"channel": "plain:a", "data": 1}, headers)
            ).status == 401
        assert len(hub.sessions) == 1
        assert hub.counters.publications == 0


async def test_with_it_everything_is_told() -> None:
    async with served(admin_hub()) as port:
        may = await cookie(port)
        for name in FACTS[:-1]:
            answer = await ask(port, "GET", f"/admin/facts/{name}", headers=may)
            assert answer.status == 200, name
            assert answer.headers["cache-control"] == "no-store"
        assert (await ask(port, "GET", "/admin/facts/session?q=x", headers=may)).status == 404
        assert (await ask(port, "GET", "/admin/facts/channel?q=no:a", headers=may)).json["code"] == 102
        assert (await ask(port, "GET", "/admin/facts/secrets", headers=may)).status == 404


async def test_publishing_and_disconnecting() -> None:
    hub = admin_hub()
    async with (
        served(hub) as port,
        streaming(port, CONNECT, {"id": 2, "subscribe": {"channel": "chat:a"}}) as stream,
    ):
        may = await cookie(port)
        client = (await stream.line())["connect"]["client"]
        await stream.line()
        answer = await ask(port, "POST", "/admin/publish", {"channel": "chat:a", "data": {"a": 1}}, may)
        assert answer.json["offset"] == 1
        assert (await stream.line())["push"]["pub"]["data"] == {"a": 1}
        answer = await ask(port, "POST", "/admin/disconnect", {"client": client, "reconnect": True}, may)
        assert answer.json == {"number": 1}
        assert (await stream.line())["push"]["disconnect"]["code"] == 3011


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("publish", b"{", 400),
        ("publish", b'{"channel":"chat:a"}', 400),
        ("publish", b'{"channel":"no:a","data":1}', 400),
        ("publish", b'{"channel":"chat:a","data":' + b"[" * 600 + b"]" * 600 + b"}", 400),
        ("publish", b'{"channel":"chat:a","data":"' + b"x" * 2**18 + b'"}', 413),
        ("disconnect", b"{}", 400),
        ("disconnect", b"[]", 400),
        ("auth", b"{", 400),
        ("auth", b"{}", 400),
        ("fly", b"{}", 404),
    ],
)
async def test_what_makes_no_sense(path: str, body: bytes, status: int) -> None:
    async with served(admin_hub()) as port:
        headers = {**await cookie(port), "Content-Type": "application/json"}
        assert (await ask(port, "POST", f"/admin/{path}", body, headers)).status == status


async def test_a_page_of_another_site_cannot_act_even_with_the_cookie() -> None:
    hub = admin_hub()
    async with served(hub) as port, streaming(port) as stream:
        await stream.line()
        may = await cookie(port)
        form = {**may, "Content-Type": "text/plain"}
        assert (await ask(port, "POST", "/admin/disconnect", b'{"user":"ann"}', form)).status == 403
        foreign = {**may, "Origin": "https://evil.example"}
        assert (await ask(port, "POST", "/admin/disconnect", {"user": "ann"}, foreign)).status == 403
        own = {**may, "Origin": f"http://127.0.0.1:{port}"}
        assert (await ask(port, "POST", "/admin/disconnect", {"user": "ann"}, own)).status == 200
        assert (await ask(port, "PUT", "/admin/disconnect", {"user": "ann"}, may)).status == 405


async def test_guessing_is_slow() -> None:
    async with served(admin_hub()) as port:
        for _ in range(PER_ADDRESS):
            assert (await log_in(port, "guess")).status == 401
        answer = await log_in(port)  # the right one, too
        assert answer.status == 429
        assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_leaving_takes_the_cookie_away() -> None:
    async with served(admin_hub()) as port:
        answer = await ask(port, "POST", "/admin/leave", {}, await cookie(port))
        assert answer.headers["set-cookie"].startswith(f"{COOKIE}=; Path=/admin; Max-Age=0;")


async def test_the_secret_lets_tokens_outlive_a_start() -> None:
    async with served(admin_hub(admin_secret="s")) as port:
        may = await cookie(port)
    async with served(admin_hub(admin_secret="s")) as port:
        assert (await ask(port, "GET", "/admin/facts/sessions", headers=may)).status == 200
    async with served(admin_hub()) as port:
        assert (await ask(port, "GET", "/admin/facts/sessions", headers=may)).status == 401
