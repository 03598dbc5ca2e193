"""Logs in to Django, listens to the lobby by the official Python SDK with the same cookie, and speaks by a view."""

import asyncio
import json
import sys
import urllib.request
from http.cookiejar import CookieJar
from typing import Any

from centrifuge import Client, PublicationContext, SubscriptionEventHandler

cookies = CookieJar()
site = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with site.open(request) as response:
        return json.load(response)


class Room(SubscriptionEventHandler):
    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.said.put_nowait(f"{ctx.pub.data['from']}: {ctx.pub.data['text']}")


async def main(port: int, name: str, text: str) -> None:
    await asyncio.to_thread(post, f"http://localhost:{port}/login", {"name": name})
    # A browser sends its cookies by itself.
    cookie = "; ".join(f"{one.name}={one.value}" for one in cookies)
    client = Client(f"ws://localhost:{port}/connection/websocket", headers={"Cookie": cookie})
    room = Room()
    lobby = client.new_subscription("chat:lobby", room)
    await client.connect()
    await lobby.subscribe()
    await lobby.ready()
    for publication in (await lobby.history(limit=10)).publications:
        print(f"(before) {publication.data['from']}: {publication.data['text']}")
    presence = await lobby.presence()
    print("here:", ", ".join(sorted(info.user for info in presence.clients.values())))
    await asyncio.to_thread(post, f"http://localhost:{port}/say", {"text": text})
    print(await room.said.get())
    await client.disconnect()


if __name__ == "__main__":
    port, name, text = [*sys.argv[1:], *["8765", "Ada", "hello"][len(sys.argv) - 1 :]]
    asyncio.run(main(int(port), name, text))
