"""A chat whose people and rooms are FastAPI's: the application gives tokens, and publishes from its own routes."""

import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import jwt
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

from openline.hub import Hub, TokenOptions
from openline.integrations.asgi import HubASGI

SECRET = "thirty-two bytes that nobody knows"  # a real one comes from the environment

hub = Hub(token=TokenOptions(hmac_secret=SECRET))
# Clients listen; they speak by the application's route.
hub.namespace("chat", history=100, ttl=3600, recovery=True, presence=True, publish="nobody")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await hub.publish("chat:lobby", {"from": "the server", "text": "I am up"})
    yield


app = FastAPI(lifespan=lifespan)


class Login(BaseModel):
    name: str = Field(min_length=1, max_length=32)


class Message(BaseModel):
    name: str
    text: str = Field(min_length=1, max_length=500)


@app.post("/login")
async def login(who: Login) -> dict[str, str]:
    """A real application asks for a password here."""
    token = jwt.encode({"sub": who.name, "exp": int(time.time()) + 3600}, SECRET, "HS256")
    return {"token": token}


@app.post("/rooms/{room}")
async def say(room: str, message: Message) -> dict[str, int]:
    result = await hub.publish(f"chat:{room}", {"from": message.name, "text": message.text})
    return {"offset": result.position.offset}


@app.get("/rooms")
async def rooms() -> dict[str, int]:
    return await hub.channels("chat:*")


application = HubASGI(hub, app)  # the hub's paths, and everything else is FastAPI's


def main(port: int) -> None:
    # Bound here, so that whoever reads that we listen may connect.
    with socket.create_server(("localhost", port)) as listening:
        print(f"listening on http://localhost:{port}", flush=True)
        uvicorn.Server(uvicorn.Config(application, log_level="warning", ws="wsproto")).run([listening])


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765)
