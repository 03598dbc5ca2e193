"""Comes into the lobby with the official Python SDK, shows what was said and who is there, says something, and goes."""

import asyncio
import sys

from centrifuge import Client, PublicationContext, SubscriptionEventHandler


class Room(SubscriptionEventHandler):
    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.said.put_nowait(f"{ctx.pub.data['from']}: {ctx.pub.data['text']}")


async def main(port: int, name: str, text: str) -> None:
    client = Client(f"ws://localhost:{port}/connection/websocket", data={"name": name})
    room = Room()
    lobby = client.new_subscription("chat:lobby", room)
    await client.connect()
    await lobby.subscribe()
    await lobby.ready()

    before = await lobby.history(limit=10)
    for publication in before.publications:
        print(f"(before) {publication.data['from']}: {publication.data['text']}")
    presence = await lobby.presence()
    print("here:", ", ".join(sorted(info.user for info in presence.clients.values())))

    await lobby.publish({"text": text})
    print(await room.said.get())
    print("rooms:", (await client.rpc("rooms", None)).data)
    await client.disconnect()


if __name__ == "__main__":
    port, name, text = [*sys.argv[1:], *["8765", "Ada", "hello"][len(sys.argv) - 1 :]]
    asyncio.run(main(int(port), name, text))
