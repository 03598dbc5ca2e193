"""Gets a token, listens to the lobby by the official Python SDK, and speaks by the application's route."""

import asyncio
import json
import sys
import urllib.request
from typing import Any

from centrifuge import Client, PublicationContext, SubscriptionEventHandler


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


class Room(SubscriptionEventHandler):
    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.said.put_nowait(f"{ctx.pub.data['from']}: {ctx.pub.data['text']}")


async def main(port: int, name: str, text: str) -> None:
    site = f"http://localhost:{port}"

    async def get_token() -> str:
        return (await asyncio.to_thread(post, f"{site}/login", {"name": name}))["token"]

    client = Client(f"ws://localhost:{port}/connection/websocket", get_token=get_token)
    room = Room()
    lobby = client.new_subscription("chat:lobby", room)
    await client.connect()
    await lobby.subscribe()
    await lobby.ready()
    for publication in (await lobby.history(limit=10)).publications:
        print(f"(before) {publication.data['from']}: {publication.data['text']}")
    presence = await lobby.presence()
    print("here:", ", ".join(sorted(info.user for info in presence.clients.values())))
    await asyncio.to_thread(post, f"{site}/rooms/lobby", {"name": name, "text": text})
    print(await room.said.get())
    await client.disconnect()


if __name__ == "__main__":
    port, name, text = [*sys.argv[1:], *["8765", "Ada", "hello"][len(sys.argv) - 1 :]]
    asyncio.run(main(int(port), name, text))
