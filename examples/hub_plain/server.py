"""A chat with history and presence, served by openline alone."""

import asyncio
import sys
from contextlib import suppress

import openline
from openline.hub import Hub, Refused, Unauthorized

hub = Hub()
chat = hub.namespace("chat", history=100, ttl=3600, recovery=True, presence=True, join_leave=True)


@hub.on_connect
def who(session, data):
    """A real application asks its own cookie or token; here everybody is who he says he is."""
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= 32:
        raise Unauthorized
    return name


@chat.on_publish
def clean(session, channel, data):
    """What others get to see: a text of bounded length, and a name that the sender cannot choose."""
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise Refused(400, "say something")
    return {"from": session.user, "text": text[:500]}


@hub.rpc("rooms")
async def rooms(session, data):
    """The rooms that are not empty, and how many are in each."""
    return await hub.channels("chat:*")


async def main(port: int) -> None:
    async with openline.serve(hub, "localhost", port) as server:
        print(f"listening on ws://localhost:{port}/connection/websocket", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
