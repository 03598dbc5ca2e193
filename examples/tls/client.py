"""A client that trusts one certificate: client.py PORT TRUSTED [OWN CERTIFICATE AND KEY]."""

import asyncio
import ssl
import sys

from openline import connect


async def main(port: int, trusted: str, own: str | None = None) -> None:
    context = ssl.create_default_context(cafile=trusted)
    if own is not None:
        context.load_cert_chain(own)
    async with connect(f"wss://localhost:{port}", ssl=context) as ws:
        print("the server says that we are", await ws.recv())
        await ws.send("hello")
        print(await ws.recv())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
