"""In processes of their own: out of descriptors, forked, interrupted, with several loops, with one that was closed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(60)]

ROOT = Path(__file__).resolve().parents[2]

PRELUDE = """
import asyncio, gc, os, resource, signal, socket, sys, threading, time, warnings, logging
from openline import connect, serve, Listener
from openline.engine import of

UPGRADE = (b"GET / HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n")

def new_loop():
    if os.environ.get("OPENLINE_TEST_LOOP") == "uvloop":
        import uvloop
        return uvloop.new_event_loop()
    return asyncio.new_event_loop()

def run(coroutine):
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(coroutine)

async def echo(ws):
    async for message in ws:
        await ws.send(message)

def port_of(server):
    return next(iter(server.sockets)).getsockname()[1]

async def say(port, text):
    async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as ws:
        await ws.send(text)
        return await asyncio.wait_for(ws.recv(), 20)
"""


def script(body: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, on the engine and the loop of this run."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), PYTHONUNBUFFERED="1")
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(body)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
    )


def succeeds(body: str) -> str:
    done = script(body)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_out_of_descriptors_accepting_pauses_says_so_once_and_resumes() -> None:
    output = succeeds("""
        logging.basicConfig(level=logging.INFO)
        async def main():
            async with serve(echo, "127.0.0.1", 0, ping_interval=None) as server:
                port = port_of(server)
                print(await say(port, "before"))
                resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, 4096))
                # Ten peers wait in the listen queue, and nothing is left to accept them with.
                peers = []
                for _ in range(10):
                    sock = socket.socket()
                    sock.setblocking(False)
                    sock.connect_ex(("127.0.0.1", port))
                    peers.append(sock)
                fillers = []
                try:
                    while True:
                        fillers.append(os.dup(0))
                except OSError:
                    print("none left")
                cpu = time.process_time()
                await asyncio.sleep(0.5)
                print("idle" if time.process_time() - cpu < 0.3 else "spinning")
                for filler in fillers:
                    os.close(filler)
                resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096))
                print(await say(port, "after"))
                for sock in peers:
                    sock.close()
        run(main())
    """)
    assert "before\n" in output
    assert "none left" in output
    assert "idle" in output, "accepting is tried again and again"
    assert "after\n" in output
    told = [line for line in output.splitlines() if "Too many open files" in line]
    assert len(told) == 1, output


def test_after_a_fork_the_child_closes_its_copies_and_the_parent_is_unharmed() -> None:
    output = succeeds("""
        warnings.simplefilter("ignore", DeprecationWarning)
        async def main():
            async with serve(echo, "127.0.0.1", 0) as server:
                async with connect(f"ws://127.0.0.1:{port_of(server)}/", proxy=None) as ws:
                    await ws.send("before")
                    print(await ws.recv())
                    for leave in (lambda: os._exit(0), None):
                        child = os.fork()
                        if child == 0:
                            del server
                            gc.collect()
                            if leave:
                                leave()
                            os.execv(sys.executable, [sys.executable, "-c", "import sys; sys.exit(0)"])
                        _, status = os.waitpid(child, 0)
                        print("child", os.waitstatus_to_exitcode(status))
                        await ws.send("after")
                        print(await asyncio.wait_for(ws.recv(), 10))
                print(await say(port_of(server), "new"))
        run(main())
    """)
    assert output.split() == ["before", "child", "0", "after", "child", "0", "after", "new"]


def test_a_forked_child_can_have_connections_of_its_own() -> None:
    output = succeeds("""
        warnings.simplefilter("ignore", DeprecationWarning)
        async def parent():
            async with serve(echo, "127.0.0.1", 0) as server:
                print(await say(port_of(server), "parent"))
        async def child():
            async with serve(echo, "127.0.0.1", 0) as server:
                print(await say(port_of(server), "child"))
        run(parent())
        pid = os.fork()
        if pid == 0:
            run(child())
            os._exit(0)
        os.waitpid(pid, 0)
        run(parent())
    """)
    assert output.split() == ["parent", "child", "parent"]


def test_several_loops_in_several_threads() -> None:
    output = succeeds("""
        done = []
        async def main(number):
            async with serve(echo, "127.0.0.1", 0) as server:
                texts = [f"{number}-{at}" for at in range(50)]
                got = await asyncio.gather(*(say(port_of(server), text) for text in texts))
                assert got == texts
            done.append(number)
        threads = [threading.Thread(target=run, args=(main(number),)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(sorted(done))
    """)
    assert output.strip() == "[0, 1, 2, 3]"


def test_a_loop_closed_under_live_connections_warns_and_calls_nothing() -> None:
    output = succeeds("""
        called = []
        class Noting(Listener):
            def on_close(self, ws, code, reason):
                called.append(code)
        loop = new_loop()
        async def start():
            server = await serve(Noting(), "127.0.0.1", 0)
            ws = await connect(f"ws://127.0.0.1:{port_of(server)}/", proxy=None, listener=Noting())
            return server, ws
        before = len(os.listdir("/proc/self/fd"))
        kept = loop.run_until_complete(start())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loop.close()
            del kept
            gc.collect()
        print("warnings", sorted({w.category.__name__ for w in caught}))
        print("called", called)
        async def again():
            async with serve(echo, "127.0.0.1", 0) as server:
                print(await say(port_of(server), "again"))
        run(again())
        del loop
        gc.collect()
        # The loop's own descriptors are as many as before it was made: none.
        print("left", len(os.listdir("/proc/self/fd")) - before <= 0)
    """)
    assert "ResourceWarning" in output
    assert "called []" in output
    assert "again" in output
    assert "left True" in output


@pytest.mark.parametrize("interrupt", ["KeyboardInterrupt", "SystemExit"])
def test_an_interrupt_in_a_listener_passes_and_the_server_goes_on(interrupt: str) -> None:
    """It leaves the loop as it would from any callback; run again, the loop serves the others."""
    output = succeeds(f"""
        class Raising(Listener):
            def on_message(self, ws, message):
                if message == "raise":
                    raise {interrupt}
                ws.send_nowait(message)
        loop = new_loop()
        async def start():
            server = await serve(Raising(), "127.0.0.1", 0)
            uri = f"ws://127.0.0.1:{{port_of(server)}}/"
            return server, await connect(uri, proxy=None), await connect(uri, proxy=None)
        server, bad, good = loop.run_until_complete(start())
        async def provoke():
            await good.send("one")
            await bad.send("raise")
            await asyncio.sleep(30)
        try:
            loop.run_until_complete(provoke())
        except {interrupt}:
            print("passed")
        async def go_on():
            print(await asyncio.wait_for(good.recv(), 10))
            await good.send("two")
            print(await asyncio.wait_for(good.recv(), 10))
            await good.close()
            server.close()
            await server.wait_closed()
            for task in asyncio.all_tasks() - {{asyncio.current_task()}}:
                task.cancel()
        loop.run_until_complete(go_on())
        loop.close()
        print("over")
    """)
    assert [word for word in output.split() if word in ("passed", "one", "two", "over")] == [
        "passed",
        "one",
        "two",
        "over",
    ]
