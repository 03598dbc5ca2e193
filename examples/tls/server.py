"""An echo server over TLS: server.py PORT CERTIFICATE KEY [ISSUER OF THE CLIENTS' CERTIFICATES]."""

import asyncio
import ssl
import sys
from contextlib import suppress

from openline import ServerConnection, serve


def make_context(certificate: str, key: str, clients: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
    context.load_cert_chain(certificate, key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def echo(ws: ServerConnection) -> None:
    certificate = ws.transport.get_extra_info("peercert")
    await ws.send("known" if certificate else "unknown")
    async for message in ws:
        await ws.send(message)


async def main(port: int, certificate: str, key: str, clients: str | None = None) -> None:
    context = make_context(certificate, key, clients)
    async with serve(echo, "localhost", port, ssl=context) as server:
        print(f"listening on wss://localhost:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
