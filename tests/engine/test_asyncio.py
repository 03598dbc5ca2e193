"""Which engine a loop gets."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import weakref

import pytest

from openline.engine import of
from openline.engine.asyncio import of as same
from openline.engine.portable_engine import PortableEngine


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("OPENLINE_ENGINE", raising=False)
    monkeypatch.delenv("OPENLINE_PURE", raising=False)
    return monkeypatch


async def fresh_engine() -> str:
    """The name of the engine that a new loop would get now; this one's is forgotten first."""
    gc.collect()
    return of(asyncio.get_running_loop()).name


async def test_the_running_loop_is_meant_where_none_is_given() -> None:
    engine = of()
    assert of(asyncio.get_running_loop()) is engine
    assert same is of


def test_without_a_loop_there_is_none() -> None:
    with pytest.raises(RuntimeError):
        of()


async def test_portable_can_be_demanded(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENLINE_ENGINE", "portable")
    assert isinstance(of(), PortableEngine)


async def test_pure_forbids_native_code(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENLINE_PURE", "1")
    assert await fresh_engine() == "portable"
    gc.collect()
    environment.setenv("OPENLINE_ENGINE", "native")
    with pytest.raises(RuntimeError, match="not built, or forbidden"):
        of()


async def test_pure_0_forbids_nothing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENLINE_PURE", "0")
    with_zero = await fresh_engine()
    environment.delenv("OPENLINE_PURE")
    assert await fresh_engine() == with_zero


async def test_an_engine_that_is_none_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENLINE_ENGINE", "steam")
    with pytest.raises(RuntimeError, match="steam"):
        of()


def test_a_loop_without_readers_gets_the_portable_engine(environment: pytest.MonkeyPatch) -> None:
    class NoReaders(asyncio.SelectorEventLoop):
        def remove_reader(self, fd: object) -> bool:
            raise NotImplementedError

    with asyncio.Runner(loop_factory=NoReaders) as runner:
        assert runner.run(fresh_engine()) == "portable"
        environment.setenv("OPENLINE_ENGINE", "native")
        with pytest.raises(RuntimeError, match=r"does not work on|not built"):
            runner.run(fresh_engine())


async def test_an_engine_goes_with_its_last_holder() -> None:
    gone = weakref.ref(of())
    gc.collect()
    assert gone() is None


def test_pure_imports_nothing_native() -> None:
    script = "import openline, sys; import asyncio; from openline.engine import of\n"
    script += "async def main(): return of().name\n"
    script += "print(asyncio.run(main()), [m for m in sys.modules if m.startswith('openline.engine.native')])"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"OPENLINE_PURE": "1"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "portable []"
