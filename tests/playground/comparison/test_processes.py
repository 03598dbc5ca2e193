"""Child: started, asked, ended, whatever it does; and gone when its parent is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from openline.playground.comparison import processes as module
from openline.playground.comparison.processes import Child, ChildFailed
from tests.playground.comparison.servers import eventually

pytestmark = pytest.mark.timeout(60)

SERVER = {"technique": "polling", "module": "openline.playground.pages.comparison", "page_port": 0}


def lives(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of it until its parent has looked."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_it_answers_until_it_is_ended() -> None:
    child = await Child.start("server", SERVER)
    assert child.started["port"] > 0
    assert (await child.ask({}))["requests"] == 0
    assert os.getpgid(child.pid) == child.pid  # a Ctrl-C for us is none for it
    await child.end()
    await child.end()
    assert not lives(child.pid)
    with pytest.raises(ChildFailed, match="has ended"):
        await child.ask({})


async def test_one_that_is_stuck_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENDING", 0.05)
    child = await Child.start("server", SERVER)
    os.kill(child.pid, signal.SIGSTOP)
    await child.end()
    assert not lives(child.pid)


async def test_one_that_does_not_answer_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    child = await Child.start("server", SERVER)
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(ChildFailed, match="does not answer"):
        await child.ask({})
    os.kill(child.pid, signal.SIGCONT)
    await child.end()


async def test_one_that_does_not_start_has_failed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChildFailed, match="the server has ended"):
        await Child.start("server", {**SERVER, "module": "openline.there_is_none"})
    assert "there_is_none" in capfd.readouterr().err


async def test_it_ends_when_its_parent_is_killed() -> None:
    """However that happened: its input ends."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, os, signal\n"
        "from openline.playground.comparison.processes import Child\n"
        "async def main():\n"
        f"    child = await Child.start('server', {SERVER!r})\n"
        "    print(child.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n",
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert await parent.wait() == -signal.SIGKILL

    async def is_gone() -> bool:
        return not lives(pid)

    await eventually(is_gone)
