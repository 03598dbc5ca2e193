"""Micro benchmarks, by pyperf: ``python -m benchmarks.micro [--fast] [-o FILE]``.

Native code beside the plain Python that it is the twin of, and the reactor's waking of a coroutine. They show where a
change of one function goes (``python -m pyperf compare_to`` compares two files); what it means for a server, `make
bench` shows. Nothing runs them by itself.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from functools import partial

import pyperf

from benchmarks.instructions.scripts import open_connection, reactor_turn, serving
from openline import ServerConnection
from openline.engine.native import codec
from openline.engine.native.compressor import Compressor
from openline.protocol import frames
from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
from openline.protocol.frames import Opcode, encode_frame
from openline.protocol.utf8 import Utf8Decoder

KEY = bytes.fromhex("37fa213d")
SHORT = bytes(range(64))
LONG = bytes(range(256)) * 64
TEXT = (
    ("Grüße, café, привет мир, 東京の会議, 🚀 and plain words " * 20)
    .encode()[:1024]
    .decode(errors="ignore")
    .encode()
)
EVENT = (
    b'{"id":482913,"type":"trade","at":"2026-11-25T21:04:11.204Z","user":{"id":5123,"name":"Stone"},"price":1204.5,'
    b'"amount":12,"tags":["open","light","water"],"text":"order room paid open draft light water stone"}'
)


async def receive(ws: ServerConnection) -> None:
    """Takes messages and does nothing with them."""
    async for _ in ws:
        pass


def wake_up(loops: int) -> float:
    """Seconds of so many turns, each of which gives one message to a coroutine that waits for it."""

    async def run() -> float:
        frame = encode_frame(Opcode.BINARY, SHORT, mask=KEY)
        taken: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        async with serving(receive) as server:
            sock = await open_connection(server)
            turn = reactor_turn()

            def turns() -> None:
                seconds = 0.0
                for _ in range(loops):
                    sock.send(frame)
                    began = time.perf_counter()
                    turn()
                    seconds += time.perf_counter() - began
                taken.set_result(seconds)

            # As a callback: with a task running, a coroutine is not woken at once.
            asyncio.get_running_loop().call_soon(turns)
            await taken
            sock.close()
        return taken.result()

    return asyncio.run(run())


def compressing(deflate: PerMessageDeflate) -> Callable[[], object]:
    """Compresses one event after the other, each with what was before it in its window."""
    return partial(deflate.deflate, EVENT, fin=True)


def main() -> None:
    """Run them all."""
    runner = pyperf.Runner(program_args=("-m", "benchmarks.micro"))
    for name, module in (("native", codec), ("python", frames)):
        frame = encode_frame(Opcode.BINARY, SHORT, mask=KEY)
        runner.bench_func(f"header, {name}", module.parse_header, frame)
        runner.bench_func(f"frame of 64 B, {name}", partial(module.encode_frame, Opcode.BINARY, SHORT))
        runner.bench_func(f"mask 64 B, {name}", module.apply_mask, SHORT, KEY)
        runner.bench_func(f"mask 16 KiB, {name}", module.apply_mask, LONG, KEY)
    runner.bench_func("UTF-8 of 1 KiB, native", codec.valid_utf8_prefix, TEXT)
    runner.bench_func("UTF-8 of 1 KiB, python", lambda: Utf8Decoder().decode(TEXT, final=True))
    own = PerMessageDeflate(False, False, 12, 12)
    own.use(Compressor)
    runner.bench_func("deflate an event, native", compressing(own))
    runner.bench_func("deflate an event, zlib", compressing(PerMessageDeflate(False, False, 12, 12)))
    stream = zlib.compressobj(wbits=-12)
    compressed = stream.compress(EVENT) + stream.flush(zlib.Z_SYNC_FLUSH)
    inflating = PerMessageDeflate(False, False, 12, 12)
    runner.bench_func("inflate an event", partial(inflating.decompress_message, compressed[:-4], None))
    runner.bench_time_func("wake a coroutine for a message", wake_up)


if __name__ == "__main__":
    main()
