"""A crowd in the chat: more messages than one visitor may write in the time of a test."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request

import openline

EACH = 4  # messages that one may write at once


def crowd_says(demo: str, room: str, texts: list[str]) -> None:
    """Have these said in a room, in this order, each four by a visitor of their own.

    In a thread with a loop of its own: the test's has that of the browser's driver.
    """
    demo = demo.rstrip("/")
    visits = [(cookie_of(demo), at, texts[at : at + EACH]) for at in range(0, len(texts), EACH)]
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_say(demo, f"chat:{room}", visits))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def cookie_of(demo: str) -> str:
    """The cookie of a new visitor."""
    with urllib.request.urlopen(f"{demo}/chat") as page:
        return page.headers["Set-Cookie"].partition(";")[0]


async def _say(demo: str, channel: str, visits: list[tuple[str, int, list[str]]]) -> None:
    address = f"{demo.replace('http', 'ws', 1)}/connection/websocket"
    for cookie, at, texts in visits:
        commands: list[dict[str, object]] = [
            {"connect": {"data": {"name": f"Voice {at // EACH}"}}},
            {"subscribe": {"channel": channel}},
        ]
        for number, text in enumerate(texts, at):
            data = {"type": "message", "key": f"voice-{number:04}", "text": text}
            commands.append({"publish": {"channel": channel, "data": data}})
        async with openline.connect(address, additional_headers={"Cookie": cookie}) as line:
            numbered = [{"id": number, **command} for number, command in enumerate(commands, 1)]
            await line.send("\n".join(json.dumps(command) for command in numbered))
            answered = 0
            while answered < len(numbered):
                for reply in map(json.loads, str(await line.recv()).splitlines()):
                    assert "error" not in reply, reply
                    answered += "id" in reply
