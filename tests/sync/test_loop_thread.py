"""The background thread."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from openline.sync.loop_thread import loop_thread

pytestmark = pytest.mark.engine


def test_there_is_one() -> None:
    found = set()
    threads = [threading.Thread(target=lambda: found.add(loop_thread())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {loop_thread()}


def test_results_and_exceptions() -> None:
    async def divide(a: int, b: int) -> float:
        return a / b

    assert loop_thread().run(divide(1, 2)) == 0.5
    with pytest.raises(ZeroDivisionError):
        loop_thread().run(divide(1, 0))
    assert loop_thread().call(threading.current_thread).name == "openline"


def test_the_thread_does_not_wait_for_itself() -> None:
    async def inner() -> None: ...

    async def outer() -> None:
        with pytest.raises(RuntimeError, match="its own background thread"):
            loop_thread().run(inner())

    loop_thread().run(outer())


def test_an_interrupted_wait_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    real = asyncio.run_coroutine_threadsafe

    class Interrupted:
        """The future, waited for by somebody who presses Ctrl-C."""

        def __init__(self, *args: object) -> None:
            self.future = real(*args)  # type: ignore[arg-type]

        def result(self) -> None:
            loop_thread_is_idle()
            raise KeyboardInterrupt

        def cancel(self) -> None:
            self.future.cancel()

    def loop_thread_is_idle() -> None:
        monkeypatch.undo()
        loop_thread().run(asyncio.sleep(0))

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        loop_thread().run(wait())
    assert cancelled.wait(5)


def test_after_fork_the_child_has_its_own() -> None:
    parent = loop_thread()
    pid = os.fork()
    if pid == 0:
        child = loop_thread()
        os._exit(0 if child is not parent and child.call(lambda: 42) == 42 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert loop_thread() is parent
