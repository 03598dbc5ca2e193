"""How every test of openline runs.

- `async def test_…` runs on the loop that OPENLINE_TEST_LOOP names: `asyncio` (the default) or `uvloop`.
- A test has 30 seconds, or what `@pytest.mark.timeout(seconds)` gives it.
- A test fails when it leaves tasks or open descriptors behind, or an exception that nobody retrieved.
- The engine is chosen by OPENLINE_ENGINE and OPENLINE_PURE, as in any program that uses openline.

Peers are real and local: no test mocks one, and none talks to another machine.
"""

from __future__ import annotations

import asyncio
import faulthandler
import functools
import gc
import inspect
import os
import platform
import signal
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import hypothesis
import pytest
import trustme

DEFAULT_TIMEOUT = 30.0  # seconds
SETTLING_TURNS = 10  # turns of the loop in which a task that has nothing left to wait for may end

hypothesis.settings.register_profile("openline", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("openline")


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """The event loop that OPENLINE_TEST_LOOP names.

    Raises:
        pytest.UsageError: it names none that is installed.
    """
    name = os.environ.get("OPENLINE_TEST_LOOP", "asyncio")
    if name == "asyncio":
        return asyncio.SelectorEventLoop
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    raise pytest.UsageError(f"OPENLINE_TEST_LOOP={name}: neither asyncio nor uvloop")


def engine_name() -> str:
    """The engine that these tests run on, asked of the engine itself."""

    async def ask() -> str:
        try:
            from openline.engine import of
        except ImportError as error:  # the tests of protocol/ stand without it
            return f"not importable ({error})"
        return of(asyncio.get_running_loop()).name

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(ask())


# A descriptor of the real stderr, for what must be seen even where a test's output is captured.
STDERR = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Let nothing of this machine stand between a test and its local peer: no proxy, no signal that is ignored."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # What a shell runs in the background is deaf to Ctrl-C, and so is all below it; the tests end servers by it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        config.stash[STDERR] = os.dup(2)
    faulthandler.enable(config.stash[STDERR])


def pytest_report_header() -> str:
    """One line: what is tested, on what."""
    loop = os.environ.get("OPENLINE_TEST_LOOP", "asyncio")
    pure = " (OPENLINE_PURE)" if os.environ.get("OPENLINE_PURE", "0") not in ("", "0") else ""
    return f"openline: engine {engine_name()}{pure}, loop {loop}, Python {platform.python_version()}"


def pytest_collection_finish() -> None:
    """Prepare the checks that follow each test.

    What a loop and an engine open once in a process is opened now, so that it is not taken for a test's; and
    what the imports left is taken out of the garbage collector's sight: its runs after each test are cheap.
    """
    engine_name()
    gc.collect()
    gc.freeze()


def open_descriptors() -> dict[str, str]:
    """The descriptors of this process and what they are open on. On platforms without /proc: nothing."""
    descriptors: dict[str, str] = {}
    try:
        names = os.listdir("/proc/self/fd")
    except FileNotFoundError:
        return descriptors
    for name in names:
        try:
            descriptors[name] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the listing itself had one open
            continue
    return descriptors


def time_limit(item: pytest.Item) -> float:
    """Seconds that a test may take."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else DEFAULT_TIMEOUT


async def supervise(test: Coroutine[Any, Any, None], limit: float) -> None:
    """Run a test in the loop; fail it for its duration and for the tasks that it leaves behind."""
    deadline = asyncio.timeout(limit)
    try:
        async with deadline:
            await test
    except TimeoutError:
        if deadline.expired():
            pytest.fail(f"not done after {limit:g} s")
        raise
    for _ in range(SETTLING_TURNS):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0)
    pytest.fail("tasks left behind:\n" + "\n".join(f"  {task!r}" for task in left))


def run_in_loop(test: Coroutine[Any, Any, None], limit: float) -> None:
    """Run one coroutine test in a loop of its own."""
    unhandled: list[dict[str, Any]] = []

    def remember(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        unhandled.append(context)

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.get_loop().set_exception_handler(remember)
        runner.run(supervise(test, limit))
        gc.collect()  # a future says only when it is collected that nobody retrieved its exception
    gc.freeze()  # what is left is not the next test's, whose collection shall be cheap
    for context in unhandled:
        error = context.get("exception")
        raise AssertionError(f"the loop was left with: {context['message']}: {context}") from error


def run_in_thread(test: Callable[..., None], limit: float) -> None:
    """Run one plain test in this thread, under an alarm."""

    def expired(signum: int, frame: FrameType | None) -> None:
        pytest.fail(f"not done after {limit:g} s")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        test()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """Run a test function, plain or coroutine, alone or under hypothesis."""
    limit = time_limit(pyfuncitem)
    test = pyfuncitem.obj
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    examples = getattr(test, "hypothesis", None)
    if examples is not None and inspect.iscoroutinefunction(examples.inner_test):
        inner = examples.inner_test

        @functools.wraps(inner)
        def one_example(*args: Any, **kwargs: Any) -> None:
            run_in_loop(inner(*args, **kwargs), limit)

        examples.inner_test = one_example
        # Each example has the limit; the alarm below is for all of them.
        limit = max(limit, DEFAULT_TIMEOUT * 4)

    before = open_descriptors()
    # For what neither the loop nor a signal handler can interrupt, such as native code that does not return.
    stderr = pyfuncitem.config.stash[STDERR]
    faulthandler.dump_traceback_later(limit + DEFAULT_TIMEOUT, exit=True, file=stderr)
    try:
        if inspect.iscoroutinefunction(test):
            run_in_loop(test(**arguments), limit)
        else:
            run_in_thread(functools.partial(test, **arguments), limit)
    finally:
        faulthandler.cancel_dump_traceback_later()
    opened = open_descriptors().items() - before.items()
    if opened:
        gc.collect()
        opened = open_descriptors().items() - before.items()
    if opened:
        pytest.fail("descriptors left open: " + ", ".join(f"{fd} {what}" for fd, what in sorted(opened)))
    return True


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port of 127.0.0.1 that is ours: connections are refused until a server of the test listens there.

    The socket that is bound to it never listens. It keeps the kernel from giving the port to anybody who asks for a
    free one; who names it may bind it too, with SO_REUSEADDR, as servers do.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 where nobody listens, but a server of the test may. Where it can, it binds port 0 instead."""
    with reserved_port() as port:
        yield port


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The certificate authority of this test run, for tests that need certificates of their own."""
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """TLS for a server called localhost, 127.0.0.1 or ::1."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """TLS for a client that trusts the authority of this test run, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context
