"""The files of the admin page."""

from __future__ import annotations

import re
from pathlib import Path

import openline.hub.admin
from tests.hub.transports.speaking import ask, open_hub, served

STATIC = Path(openline.hub.admin.__file__).parent / "static"
NAMES = sorted(path.name for path in STATIC.iterdir() if path.suffix != ".md")


async def test_every_file_is_served_under_strict_headers() -> None:
    async with served(open_hub(admin_password="x")) as port:
        for name in NAMES:
            answer = await ask(port, "GET", f"/admin/{'' if name == 'index.html' else name}")
            assert answer.status == 200, name
            assert answer.body == (STATIC / name).read_bytes()
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_that_is_known_is_not_sent_again() -> None:
    async with served(open_hub(admin_password="x")) as port:
        tag = (await ask(port, "GET", "/admin/admin.css")).headers["etag"]
        answer = await ask(port, "GET", "/admin/admin.css", headers={"If-None-Match": tag})
        assert (answer.status, answer.body) == (304, b"")
        head = await ask(port, "GET", "/admin/admin.css", headers={"If-None-Match": '"other"'})
        assert head.status == 200


async def test_no_other_file_is_served() -> None:
    async with served(open_hub(admin_password="x")) as port:
        for name in (
            "README.md",
            "index.html",
            "../routes.py",
            "..%2froutes.py",
            "static/admin.js",
            "admin.js/",
        ):
            assert (await ask(port, "GET", f"/admin/{name}")).status == 404, name


def test_the_page_needs_nothing_from_elsewhere() -> None:
    for name in NAMES:
        text = (STATIC / name).read_text()
        found = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not found, name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text), name
